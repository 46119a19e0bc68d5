/** Resolves after so many ms. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * ms until then, of so many at most: 0 when it is over, and when the phone's clock was set back meanwhile, so that
 * nobody waits for hours.
 */
export function timeLeft(until: number, length: number): number {
  const left = until - Date.now()
  return left > length ? 0 : Math.max(left, 0)
}

export function isObject(value: unknown): value is object {
  return Object(value) === value
}

/** The result of something that may throw; nothing when it does. */
export function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** Runs what belongs to the app: what it throws is shown, and stops nobody else. */
export function harmless(run: () => void): void {
  try {
    run()
  } catch (error) {
    console.error(error)
  }
}
