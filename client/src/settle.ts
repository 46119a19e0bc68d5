import type { SessionError } from './errors.js'
import { orUndefined, runSafely } from './util.js'

/** The end of a call. There is exactly one, and everybody is told once. */
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

/** `cleanUp` runs once, however the call ends, and before anybody is told. */
export function createSettlement<Result>(
  { success, fail, complete }: Callbacks<Result>,
  cleanUp: () => void,
): Settlement<Result> {
  let isSettled = false
  let resolve!: (result: Result) => void
  let reject!: (error: SessionError) => void
  const promise = new Promise<Result>((succeeds, fails) => {
    resolve = succeeds
    reject = fails
  })
  // An app that uses callbacks does not catch the promise.
  promise.catch(() => {})

  return {
    promise,
    isSettled: () => isSettled,
    succeed: (result) => settle(resolve, success, result),
    fail: (error) => settle(reject, fail, error),
  }

  function settle<Outcome extends Result | SessionError>(
    settlePromise: (outcome: Outcome) => void,
    callback: ((outcome: Outcome) => void) | undefined,
    outcome: Outcome,
  ): void {
    if (isSettled) return
    isSettled = true
    orUndefined(cleanUp)
    settlePromise(outcome)
    if (callback) runSafely(() => callback(outcome))
    if (complete) runSafely(() => complete(outcome))
  }
}
