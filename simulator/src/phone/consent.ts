/** What the user of a phone has been asked, and how they answered. */
export interface Consent {
  /** How the user answers when a scope is asked for; yes where nothing is said. */
  readonly answers: Record<string, boolean>
  /** What was answered, by scope. */
  readonly given: Readonly<Record<string, boolean>>
  /** Asks, or remembers the answer. */
  ask(scope: string): boolean
  /** Whether the user has agreed to the privacy guidelines (隐私保护指引). */
  privacy: Privacy
}

/**
 * - `agreed` (default): there is nothing to ask.
 * - `agrees`, `disagrees`: they have not been asked yet, and will answer so.
 */
export type Privacy = 'agreed' | 'agrees' | 'disagrees'

export function createConsent(): Consent {
  const answers: Record<string, boolean> = {}
  const given: Record<string, boolean> = {}

  return {
    answers,
    given,
    privacy: 'agreed',

    ask(scope) {
      given[scope] ??= answers[scope] ?? true
      return given[scope]
    },
  }
}
