import type { Callbacks, WxFailure, WxSuccess } from './wx.js'

/** How a call ended. The `errMsg` of a success is `…:ok`, unless it is another one. */
export type Outcome<Result> = { success: Omit<Result, 'errMsg'>; errMsg?: string } | Failure

/** Delivers an outcome: one of `success` and `fail`, then `complete`. */
export function callBack<Result extends WxSuccess>(
  api: string,
  { success, fail, complete }: Callbacks<Result>,
  outcome: Outcome<Result>,
): void {
  if ('failure' in outcome) {
    callSafely(fail, outcome.failure)
    callSafely(complete, outcome.failure)
  } else {
    const result = withErrMsg<Result>(outcome.success, outcome.errMsg ?? `${api}:ok`)
    callSafely(success, result)
    callSafely(complete, result)
  }
}

/**
 * Calls a function of the app. What it throws is the app's uncaught error, as in WeChat: it reaches the
 * process's `uncaughtException`, and keeps neither `complete` nor anybody else's callback from running.
 */
export function callSafely<Argument>(
  callback: ((argument: Argument) => void) | undefined,
  argument: Argument,
): void {
  try {
    callback?.(argument)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** An outcome that is no success. */
export interface Failure {
  failure: WxFailure
}

/** A failure, whose text begins as WeChat's do. Without an errno where WeChat's is not known. */
export function failure(api: string, reason: string, errno?: number): Failure {
  return { failure: { errMsg: `${api}:fail ${reason}`, ...(errno !== undefined && { errno }) } }
}

/** A result is its fields and an errMsg, which TypeScript cannot conclude for a type parameter. */
function withErrMsg<Result extends WxSuccess>(fields: Omit<Result, 'errMsg'>, errMsg: string): Result {
  return { ...fields, errMsg } as Result
}
