/** What goes wrong at a command. */
export type Fault = 'crash before' | 'crash after' | 'lost' | 'late' | 'stall'

/** One thing that can happen next. */
export interface Choice {
  /** Says the same in every run in which the same has happened before: `A3`, `B2~`. */
  id: string
  actor: string
  /** In words. */
  command: string
  /** The key that the command works on; '' for none. */
  key: string
  kind: 'command' | 'exchange' | 'answer' | 'pause'
  fault?: Fault
}

/** How a fault is written behind the step that it happens at. */
export const MARKS: Readonly<Record<Fault, string>> = {
  'crash before': '-',
  'crash after': '!',
  lost: '?',
  late: '~',
  stall: '_',
}

/** Scripts that look at the clock of Redis: in which order two of them run matters, whatever their keys are. */
const TIMED = /^(CLAIM|ENROLL|REVOKE)$/

/**
 * Whether it makes no difference which of two neighbours comes first, so that one of the two orders is enough: two
 * actors, and two keys. Each script works on one key alone.
 */
export function areIndependent(one: Choice, other: Choice): boolean {
  if (one.actor === other.actor) return false
  if (one.kind === 'pause' || other.kind === 'pause') return false
  // There is one fault in an order: the one takes the other's place.
  if (one.fault && other.fault) return false
  if (TIMED.test(one.command) && TIMED.test(other.command)) return false
  if (one.kind === 'exchange' && other.kind === 'exchange') return false
  return one.key !== other.key || one.key === ''
}
