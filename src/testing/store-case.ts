import type { SessionStore } from '../stores/store.js'

/** One promise of a store. */
export interface StoreCase {
  /** A sentence: what a store does. */
  readonly name: string
  /**
   * Tries it on a store, with ids of its own: cases may share a store, and what else is in it is left alone. Takes four
   * seconds at most.
   *
   * @throws {AssertionError} of `node:assert`, where the promise is broken
   */
  run(store: SessionStore): Promise<void>
}
