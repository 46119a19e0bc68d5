/** Counts attempts, so that nobody tries a thousand passwords. In memory, like the accounts: see there. */
export interface Guesses {
  /** Takes one attempt from each of these keys: 0, or the seconds until one of them has any left. */
  take(keys: string[]): number
  /** The attempt was right: it does not count. */
  giveBack(keys: string[]): void
}

export interface GuessesOptions {
  /** Wrong attempts in one window. */
  max: number
  /** ms from the first of them. */
  window: number
}

export function createGuesses({ max, window }: GuessesOptions): Guesses {
  const counts = new Map<string, { taken: number; until: number }>()

  return {
    // Taken before the password is looked at: a hundred attempts at once are a hundred one by one.
    take(keys) {
      forget()
      const waits = keys.map((key) => waitFor(key))
      const wait = Math.max(...waits)
      if (wait === 0) for (const key of keys) count(key, 1)
      return wait
    },

    giveBack(keys) {
      for (const key of keys) count(key, -1)
    },
  }

  function waitFor(key: string): number {
    const { taken = 0, until = 0 } = counts.get(key) ?? {}
    return taken < max ? 0 : Math.max(1, Math.ceil((until - Date.now()) / 1000))
  }

  function count(key: string, by: number): void {
    const entry = counts.get(key) ?? { taken: 0, until: Date.now() + window }
    counts.set(key, { ...entry, taken: Math.max(0, entry.taken + by) })
  }

  /** The oldest windows come first. */
  function forget(): void {
    for (const [key, { until }] of counts) {
      if (until > Date.now()) break
      counts.delete(key)
    }
  }
}
