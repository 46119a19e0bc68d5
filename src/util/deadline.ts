/** ms: time is counted in slices. */
const SLICE = 25

/** ms that a slice may last longer than asked, as those of an idle process do; and ms of one that is added. */
const TOLERANCE = 10

/**
 * The result of `work`, or the error that `late` makes once `ms` have passed. The work itself goes on:
 * what it does later is ignored here, so it must be harmless (or be aborted by `late`).
 *
 * Only time in which this process could run counts: a handler that computes, a collection of garbage, or a process that
 * was suspended does not make others silent.
 *
 * `keepsAlive`: whether the process waits for it, when it has nothing else to do.
 */
export function deadline<T>(ms: number, work: Promise<T>, late: () => Error, keepsAlive = true): Promise<T> {
  return new Promise((resolve, reject) => {
    let rest: Countdown | undefined
    const first = Math.min(ms, SLICE)
    const timer = setTimeout(() => {
      rest = new Countdown(ms - first, keepsAlive, () => reject(late()))
    }, first)
    if (!keepsAlive) timer.unref()
    // Two callbacks, no further promise, and no clock: this is on the way of every request.
    const ending =
      <V>(settle: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer)
        if (rest) rest.stop()
        settle(value)
      }
    work.then(ending(resolve), ending(reject))
  })
}

/**
 * Calls `over` when so many ms have passed. A slice that comes late counts as one, and cannot be the last: one more is
 * added. Node runs timers before it reads, so it gets to read before the end.
 */
class Countdown {
  #left: number
  #slice = 0
  #began = 0
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined
  readonly #keepsAlive: boolean
  readonly #over: () => void

  constructor(left: number, keepsAlive: boolean, over: () => void) {
    this.#left = left
    this.#keepsAlive = keepsAlive
    this.#over = over
    this.#next()
  }

  stop(): void {
    clearTimeout(this.#timer)
    if (this.#turn) clearImmediate(this.#turn)
  }

  #next(): void {
    this.#slice = this.#left < 1 ? TOLERANCE : Math.min(this.#left, SLICE)
    this.#began = performance.now()
    this.#timer = setTimeout(() => this.#tick(), this.#slice)
    if (!this.#keepsAlive) this.#timer.unref()
  }

  #tick(): void {
    // At least as long as the timer was for, whatever the clock says: in tests, timers may be simulated.
    const lasted = Math.max(performance.now() - this.#began, this.#slice)
    const isLate = lasted > this.#slice + TOLERANCE
    const wasAdded = this.#left < 1
    this.#left -= isLate ? this.#slice : lasted
    // Timers are of whole ms.
    if (this.#left < 1 && (wasAdded || !isLate)) this.#turn = setImmediate(this.#over)
    else this.#next()
  }
}
