import type { Fault } from './choice.js'
import type { Order } from './order.js'

const FAULTS: Readonly<Record<Fault, string>> = {
  'crash before': 'the process crashes before it is sent',
  'crash after': 'it takes effect, and the process crashes',
  stall: 'the process stands still before it is sent, until nobody waits any more',
  lost: 'it takes effect, and its answer is lost',
  late: 'it takes effect, and its deadline passes before the answer arrives',
}

/** What tells an order to `byPath()`. */
export function pathOf({ steps }: Order): string {
  return steps.map(({ id }) => id).join(' ')
}

/** One line for each step, and what was answered. */
export function inWords({ steps, scene, pair, answers, hanging }: Order): string {
  // A new session is first heard of when its place is claimed.
  const claims = steps.filter(({ command }) => command === 'CLAIM').reverse()
  const fresh = new Map(claims.map(({ key, actor }) => [key, `the new session of ${actor}`]))
  const lines = steps.map(({ id, command, key, fault }) => {
    const where = key === '' ? '' : ` on ${scene.labels.get(key) ?? fresh.get(key) ?? 'another key'}`
    return `  ${id.padEnd(5)} ${command}${where}${fault ? `: ${FAULTS[fault]}` : ''}`
  })
  const said = pair.map((deed, index) => {
    const name = index === 0 ? 'A' : 'B'
    const answer = answers[index]
    const heard = answer ? `${answer.status} ${answer.reason ?? ''}`.trim() : 'nothing'
    return `  ${name} (${deed}) heard ${hanging.includes(name) ? 'nothing, and waits' : heard}`
  })
  return [...lines, ...said].join('\n')
}
