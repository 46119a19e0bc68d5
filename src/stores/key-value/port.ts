/**
 * What is used of a store that others have made: it reads, writes and removes what stands under a key, each by itself. The
 * adapters of express-session's stores and of koa-session's make one of it.
 */
export interface KeyValuePort {
  /** What stands under a key, as the store gives it; nothing where nothing does. */
  get(key: string): Promise<unknown>
  /** `until`: Unix ms. */
  set(key: string, entry: PortEntry, until: number): Promise<unknown>
  remove(key: string): Promise<unknown>
  /** Stores that tell when they lose their database, and when it is back. */
  on?(event: 'connect' | 'disconnect', listener: () => void): void
}

/** What is written, beside the fields by which a kind of store computes how long to keep it. */
export interface PortEntry {
  /** JSON, as text: some databases change objects with dots, dates or `undefined` in them. */
  weapp: string
  /** Unix ms. From then on it is nothing: not every store forgets. */
  weappUntil: number
}
