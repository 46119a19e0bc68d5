import type { ExecutionContext } from 'ava'
import { again, describe, explore, nameOf, type Report } from './explore.js'
import type { Task } from './pairs.js'
import { type World, worlds } from './world.js'

/** ms for all of them, shared out: what one does not need is left for the next. */
export interface Share {
  time: number
  seed: number
}

/** Orders that are tried at the same time. */
const LANES = 4

/** Tries the orders of each pair, says what was tried, and fails with the shortest order of what was found. */
export async function runTasks(t: ExecutionContext, tasks: Task[], { time, seed }: Share): Promise<void> {
  const { all, close } = await worlds(LANES)
  t.teardown(close)
  const end = performance.now() + time
  const queue = [...tasks]
  const reports: Report[] = []
  const lane = async (here: World) => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const lanes = Math.min(LANES, queue.length + 1)
      const share = ((end - performance.now()) * lanes) / (queue.length + lanes)
      reports.push(await explore(here, next.setting, next.pair, { time: Math.max(share, 300), seed }))
    }
  }
  await Promise.all(all.map(lane))
  for (const report of reports) t.log(line(report))

  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0)
  const plain = sum((report) => report.plain)
  const faulty = sum((report) => report.faulty)
  const violations = sum((report) =>
    [...report.violations.values()].reduce((total, { times }) => total + times, 0),
  )
  t.log(
    `${plain + faulty} orders of ${tasks.length} pairs: ${plain} without a fault, ${faulty} with one; ${violations} violations`,
  )
  const found = reports.filter((report) => report.violations.size > 0)
  if (found.length > 0) t.fail(found.map(describe).join('\n\n'))
  else t.pass()
}

/** The one order that the environment names. Whether it names one. */
export async function runNamed(t: ExecutionContext, tasks: Task[]): Promise<boolean> {
  const { WEAPP_ORDERS_PAIR: name, WEAPP_ORDERS_PATH: path } = process.env
  if (name === undefined || path === undefined) return false
  const named = tasks.find(({ pair, setting }) => nameOf(pair, setting) === name)
  if (!named) throw new Error(`there is no pair '${name}'`)
  const { all, close } = await worlds(1)
  t.teardown(close)
  const [here] = all as [World]
  const { wrong, words } = await again(here, named.setting, named.pair, path)
  t.log(words)
  t.deepEqual(wrong, [])
  return true
}

function line({ pair, setting, plain, faulty, cut, isAllPlain, isAllFaulty, violations }: Report): string {
  const all = (isAll: boolean) => (isAll ? ', all' : '')
  const broken = violations.size > 0 ? `; BROKEN: ${[...violations.keys()].join('; ')}` : ''
  return `${nameOf(pair, setting)}: ${plain}${all(isAllPlain)}; with a fault ${faulty}${all(isAllFaulty)}; given up ${cut}${broken}`
}
