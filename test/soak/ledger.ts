/** What was asked, how it was answered, and what of that was wrong. */
export interface Ledger {
  /** An operation was answered; without a status, it was not. */
  note(what: string, outcome: number | 'aborted' | 'no answer'): void
  /** Something that must never be. Said at once. */
  wrong(what: string): void
  readonly operations: number
  readonly mistakes: readonly string[]
  /** How often each operation had each outcome. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** Mistakes that are printed: one that comes with every request would fill the screen. */
const PRINTED_MAX = 50

export function createLedger(): Ledger {
  const counts = new Map<string, Map<string, number>>()
  const mistakes: string[] = []
  let operations = 0

  return {
    note(what, outcome) {
      operations++
      const outcomes = counts.get(what) ?? new Map<string, number>()
      counts.set(what, outcomes.set(`${outcome}`, (outcomes.get(`${outcome}`) ?? 0) + 1))
    },
    wrong(what) {
      const text = `${new Date().toISOString()} ${what}`
      mistakes.push(text)
      if (mistakes.length <= PRINTED_MAX) console.error(`  WRONG ${text}`)
    },
    get operations() {
      return operations
    },
    mistakes,
    counts,
  }
}
