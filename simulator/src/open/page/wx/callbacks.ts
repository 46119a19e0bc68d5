/** How a call of `wx` tells its end: by these, or by a promise when there are none. */
export interface Callbacks {
  success?(result: object): void
  fail?(error: object): void
  complete?(result: object): void
}

/**
 * Does the work of a call, and tells of its end as WeChat does: `errMsg` is `api:ok`, or the message of what was thrown.
 * Without callbacks it gives a promise.
 */
export function settle(
  api: string,
  { success, fail, complete }: Callbacks,
  work: () => unknown,
): Promise<object> | undefined {
  const outcome = Promise.resolve()
    .then(work)
    .then((result) => ({ errMsg: `${api}:ok`, ...(typeof result === 'object' ? result : {}) }))
  if (!success && !fail && !complete) return outcome.catch((error) => Promise.reject(failureOf(api, error)))
  void outcome.then(
    (result) => {
      success?.(result)
      complete?.(result)
    },
    (error) => {
      fail?.(failureOf(api, error))
      complete?.(failureOf(api, error))
    },
  )
  return undefined
}

function failureOf(api: string, error: unknown): object {
  if (!(error instanceof Error)) return error as object
  return { errMsg: error.message.startsWith(`${api}:`) ? error.message : `${api}:fail ${error.message}` }
}
