/** Resolves after so many ms, at once for 0. */
export function sleep(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve()
}

/** Runs what belongs to the app: what it throws is shown, and stops nobody else. */
export function harmless(run: () => void): void {
  try {
    run()
  } catch (error) {
    console.error(error)
  }
}
