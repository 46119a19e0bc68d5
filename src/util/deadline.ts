/**
 * The result of `work`, or the error that `late` makes once `ms` have passed. The work itself goes on:
 * what it does later is ignored here, so it must be harmless (or be aborted by `late`).
 *
 * An answer that has arrived while this process was busy is in time: Node runs timers before it reads, so it gets
 * to read once more.
 */
export function deadline<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    let turn: NodeJS.Immediate | undefined
    const timer = setTimeout(() => {
      turn = setImmediate(() => reject(late()))
    }, ms)
    // Two callbacks, and no further promise: this is on the way of every request.
    const ending =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer)
        if (turn) clearImmediate(turn)
        settle(value)
      }
    work.then(ending(resolve), ending(reject))
  })
}
