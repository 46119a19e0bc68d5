/** ms */
export const A_MINUTE = 60_000

/** Resolves after so many ms. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * ms until a time, at most `length`. 0 when the time has passed, and when it is further away than `length`: then the
 * phone's clock was set back, and nobody should wait for hours.
 */
export function timeLeft(until: number, length: number): number {
  const left = until - Date.now()
  return left > length ? 0 : Math.max(left, 0)
}

export function isObject(value: unknown): value is object {
  return Object(value) === value
}

/** The value of `get()`, or `undefined` if that throws. */
export function orUndefined<T>(get: () => T): T | undefined {
  try {
    return get()
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
