/** Something that `session.check()` found. Neither text has a secret in it. */
export interface Problem {
  /** Stable, and that of the warning about the same thing, where there is one. */
  code: string
  /** What is wrong. */
  message: string
  /** What to do about it. */
  fix: string
}
