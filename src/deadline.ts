/**
 * The result of `work`, or the error that `late` makes once `ms` have passed. The work itself goes on:
 * what it does later is ignored here, so it must be harmless (or be aborted by `late`).
 */
export function deadline<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
