import type { SessionError } from './errors.js'
import { harmless } from './util.js'

/** The end of a call: there is exactly one, and everybody is told once. */
export interface Settlement<Result> {
  promise: Promise<Result>
  isSettled(): boolean
  succeed(result: Result): void
  fail(error: SessionError): void
}

export interface Callbacks<Result> {
  success?(result: Result): void
  fail?(error: SessionError): void
  complete?(result: Result | SessionError): void
}

/** `atEnd` is called first, once, however the call ends. */
export function settlement<Result>(
  { success, fail, complete }: Callbacks<Result>,
  atEnd: () => void,
): Settlement<Result> {
  let isSettled = false
  let resolve!: (result: Result) => void
  let reject!: (error: SessionError) => void
  const promise = new Promise<Result>((succeeds, fails) => {
    resolve = succeeds
    reject = fails
  })
  // Who uses callbacks has no promise to catch.
  promise.catch(() => {})

  return {
    promise,
    isSettled: () => isSettled,
    succeed: (result) => end(resolve, success, result),
    fail: (error) => end(reject, fail, error),
  }

  function end<Outcome extends Result | SessionError>(
    settle: (outcome: Outcome) => void,
    tell: ((outcome: Outcome) => void) | undefined,
    outcome: Outcome,
  ): void {
    if (isSettled) return
    isSettled = true
    atEnd()
    settle(outcome)
    if (tell) harmless(() => tell(outcome))
    if (complete) harmless(() => complete(outcome))
  }
}
