import type { ErrorCode, SessionError } from '../../../client/src/errors.js'
import type { VirtualClock } from './virtual-clock.js'

/** How the caller learns of the end. */
export type Style = 'promise' | 'callbacks' | 'both'

/** What a caller is told, in the order in which it is told. */
export interface Told {
  what: 'success' | 'fail' | 'complete' | 'resolved' | 'rejected'
  at: number
  value: unknown
}

/** How a call must end, and since when. */
export interface Ended {
  as: ErrorCode
  at: number
}

/** How a call ended. */
export interface End {
  isSuccess: boolean
  at: number
  value: unknown
}

/** One call of the session, and all that came back from it. */
export interface ObservedCall {
  n: number
  /** Readable: `#3 POST request`. */
  name: string
  run: number
  style: Style
  isOurs: boolean
  /** Whether it needs the session. */
  session: 'required' | 'optional' | 'none'
  /** Downloads tell nothing but a status. */
  isTerse: boolean
  startedAt: number
  /** Whether a listener at its task was told of the headers of its answer; `undefined` where there is none. */
  hasHeard: boolean | undefined
  told: Told[]
  /** Set by an abort or a logout that came before its end. */
  ended?: Ended
  abort(): void
}

export interface Callbacks {
  success?(result: unknown): void
  fail?(error: SessionError): void
  complete?(result: unknown): void
}

/** Thrown by the callbacks of callers who throw: may be shown, and must reach nobody. */
export const THROWN = new Error('thrown by a callback of the caller')

/** Callbacks that write down that they were called; some throw then. */
export function listeningCallbacks(call: ObservedCall, clock: VirtualClock, isThrowing: boolean): Callbacks {
  return { success: hear('success'), fail: hear('fail'), complete: hear('complete') }

  function hear(what: 'success' | 'fail' | 'complete') {
    return (value: unknown) => {
      call.told.push({ what, at: clock.now(), value })
      if (isThrowing) throw THROWN
    }
  }
}

/** Writes down how a promise ends. */
export function listenTo(promise: PromiseLike<unknown>, call: ObservedCall, clock: VirtualClock): void {
  promise.then(
    (value) => call.told.push({ what: 'resolved', at: clock.now(), value }),
    (value: unknown) => call.told.push({ what: 'rejected', at: clock.now(), value }),
  )
}

/** Whether its caller knows how it ended. */
export function isSettled({ told, style }: ObservedCall): boolean {
  const hasCallbacks = style === 'promise' || told.some(({ what }) => what === 'complete')
  const hasPromise =
    style === 'callbacks' || told.some(({ what }) => what === 'resolved' || what === 'rejected')
  return hasCallbacks && hasPromise
}

/** How it ended: the first that was told. */
export function endOf({ told }: ObservedCall): End | undefined {
  const [first] = told
  return first && { ...first, isSuccess: first.what === 'success' || first.what === 'resolved' }
}
