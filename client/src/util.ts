/** ms */
export const A_MINUTE = 60_000

/** Resolves after so many ms. In Node it keeps no process alive: whoever waits has a deadline, which does. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = Object(setTimeout(resolve, ms))
    if (timer.unref) timer.unref()
  })
}

/** A time that ends by itself, by a timer: the phone's clock may be changed. */
export interface Span {
  /** What resolves at its end, while it lasts. */
  now(): Promise<unknown> | undefined
  /** It lasts until then; without that, it is over. */
  until(end?: Promise<unknown>): void
}

export function createSpan(): Span {
  let current: Promise<unknown> | undefined
  return {
    now: () => current,
    until(end) {
      current = end
      if (end)
        end.then(() => {
          if (current === end) current = undefined
        })
    },
  }
}

export function isObject(value: unknown): value is object {
  return Object(value) === value
}

export function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function'
}

/** A text, or a number as one. Whatever else it is, it says nothing. */
export function textOf(value: unknown): string {
  return /^(string|number)$/.test(typeof value) ? `${value}` : ''
}

/** The value of `get()`, or `undefined` if that throws. Where it is a promise, nobody hears that it rejects. */
export function orUndefined<T>(get: () => T): T | undefined {
  try {
    const value = get()
    Promise.resolve(value).catch(() => {})
    return value
  } catch {
    return undefined
  }
}

/** Runs a function of the app. What it throws goes to the console and stops nothing else. */
export function runSafely(run: () => void): void {
  try {
    run()
  } catch (error) {
    console.error(error)
  }
}
