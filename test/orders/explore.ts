import { broken } from './checks.js'
import { type Order, runOrder } from './order.js'
import type { Pair } from './scene.js'
import { byChance, byPath, everyOrder } from './search.js'
import { inWords, pathOf } from './words.js'
import type { Setting, World } from './world.js'

/** What was found of a pair of requests. */
export interface Report {
  pair: Pair
  setting: Setting
  /** Orders without a fault, and with one. */
  plain: number
  faulty: number
  /** Given up on the way, because all that could follow equals what was tried. */
  cut: number
  /** Whether these were all, but for equal ones. */
  isAllPlain: boolean
  isAllFaulty: boolean
  /** By what is broken. */
  violations: Map<string, Violation>
}

export interface Violation {
  /** The shortest of the orders that broke it. */
  order: Order
  times: number
}

export interface Budget {
  /** ms for a pair, at most. */
  time: number
  seed: number
  /** Ends at the first violation. */
  stopsAtFirst?: boolean
  withFaults?: boolean
}

/** Tries the orders of two requests: first all without a fault, then all with one; what does not fit, by chance. */
export async function explore(world: World, setting: Setting, pair: Pair, budget: Budget): Promise<Report> {
  const { time, seed, stopsAtFirst = false, withFaults = true } = budget
  const end = performance.now() + time
  const report: Report = {
    pair,
    setting,
    plain: 0,
    faulty: 0,
    cut: 0,
    isAllPlain: false,
    isAllFaulty: false,
    violations: new Map(),
  }
  const isFound = () => stopsAtFirst && report.violations.size > 0
  const until = (ms: number) => () => isFound() || performance.now() > ms
  const found = async (order: Order) => {
    if (order.isCut) return void report.cut++
    if (order.steps.some(({ fault }) => fault)) report.faulty++
    else report.plain++
    for (const what of await broken(world, order)) note(report, what, order)
  }

  const plainEnd = withFaults ? end - time / 2 : end
  report.isAllPlain = await everyOrder(
    (choose) => runOrder(world, setting, pair, false, choose),
    found,
    until(plainEnd),
  )
  if (!withFaults || isFound()) return report
  // Those without a fault were all tried.
  const foundFaulty = async (order: Order) => {
    if (order.isCut || order.steps.some(({ fault }) => fault)) await found(order)
  }
  const left = end - performance.now()
  report.isAllFaulty = await everyOrder(
    (choose) => runOrder(world, setting, pair, true, choose),
    foundFaulty,
    until(end - left / 2),
  )
  if (report.isAllFaulty && report.isAllPlain) return report
  for (let next = seed; !until(end)(); next++)
    await found(await runOrder(world, setting, pair, true, byChance(next)))
  return report
}

/** One order again: what is broken, and the order in words. */
export async function again(
  world: World,
  setting: Setting,
  pair: Pair,
  path: string,
): Promise<{ wrong: string[]; words: string }> {
  const order = await runOrder(world, setting, pair, true, byPath(path))
  const wrong = order.isCut ? ['the order does not go on like this'] : await broken(world, order)
  return { wrong, words: inWords(order) }
}

function note({ violations }: Report, what: string, order: Order): void {
  const known = violations.get(what)
  const isShorter = !known || order.steps.length < known.order.steps.length
  violations.set(what, { order: isShorter ? order : known.order, times: (known?.times ?? 0) + 1 })
}

/** The shortest order for each thing that is broken, in words, and how it runs again. */
export function describe({ pair, setting, violations }: Report): string {
  return [...violations]
    .map(([what, { order, times }]) => {
      const path = `WEAPP_ORDERS_PAIR='${nameOf(pair, setting)}' WEAPP_ORDERS_PATH='${pathOf(order)}'`
      return `${nameOf(pair, setting)}: ${what} (${times} orders)\n${inWords(order)}\n  again: ${path} npm run test:orders`
    })
    .join('\n\n')
}

export function nameOf([one, other]: Pair, { carrier, isOtherFirst }: Setting): string {
  return `${one} × ${other}${carrier === 'code' ? ' (code)' : ''}${isOtherFirst ? ' (the other ends first)' : ''}`
}
