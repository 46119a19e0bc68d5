import type { Figures } from './messages.js'

/** What was found when a minute was over, while nothing was under way. */
export interface Minute {
  readonly n: number
  readonly faults: readonly string[]
  /** Operations since the start. */
  readonly operations: number
  /** Of each server, in their order. */
  readonly figures: readonly Figures[]
  readonly keys: number
}
