/**
 * One thing that can go wrong with a call of WeChat's API.
 *
 * - `{ errcode, errmsg?, consume?, delay? }`: WeChat refuses. `errmsg` defaults to WeChat's own text;
 *   the trace id is added. `consume` (default true): the code of the call is used up, as failed attempts
 *   do with WeChat; `-1` has been reported both ways.
 * - `{ status, body?, consume?, delay? }`: a gateway answers `text/html` with that status; with 200, an
 *   answer that is not JSON. `body` defaults to a page; `consume` (default false).
 * - `{ delay }`: the right answer, `delay` milliseconds late. The code is used up when the call arrives.
 * - `'hang'`: the code is used up, and no answer ever comes.
 * - `'lost'`: the code is used up, and the connection is closed without an answer.
 * - `'reset'`: the connection is cut before WeChat has done anything.
 * - `'truncated'`: the right answer, but only the first half of its JSON.
 * - `'withoutOpenId'`, `'withoutSessionKey'`: a success that lacks this field.
 */
export type Fault =
  | { errcode: number; errmsg?: string; consume?: boolean; delay?: number }
  | { status: number; body?: string; consume?: boolean; delay?: number }
  | { delay: number }
  | 'hang'
  | 'lost'
  | 'reset'
  | 'truncated'
  | 'withoutOpenId'
  | 'withoutSessionKey'

/** Which calls a fault is for. */
export interface FaultOptions {
  /** How many calls it spoils; default 1, `Infinity` for all that come. */
  times?: number
  /** Only calls of this path, such as `/sns/jscode2session`; default all. */
  path?: string
}

/** The faults that are still to come. */
export interface Faults {
  /** Adds a fault behind those that wait already. Returns a function that withdraws it. */
  add(fault: Fault, options?: FaultOptions): () => void
  /** Those that wait, in their order. */
  waiting(): WaitingFault[]
  /** Withdraws one of them. */
  withdraw(id: number): void
  /** The fault for a call of this path, which has then had one of its times. */
  take(path: string): Fault | undefined
}

/** A fault that waits for its calls. */
export interface WaitingFault {
  readonly id: number
  readonly fault: Fault
  readonly path: string | undefined
  /** How many calls it still spoils. */
  readonly left: number
}

export function createFaults(): Faults {
  const plans = new Set<{ id: number; fault: Fault; path: string | undefined; left: number }>()
  let ids = 0

  return {
    add(fault, { times = 1, path } = {}) {
      ids += 1
      const plan = { id: ids, fault, path, left: times }
      plans.add(plan)
      return () => plans.delete(plan)
    },

    waiting: () => Array.from(plans, (plan) => ({ ...plan })),

    withdraw(id) {
      for (const plan of plans) if (plan.id === id) plans.delete(plan)
    },

    take(path) {
      for (const plan of plans) {
        if (plan.path !== undefined && plan.path !== path) continue
        plan.left -= 1
        if (plan.left <= 0) plans.delete(plan)
        return plan.fault
      }
      return undefined
    },
  }
}
