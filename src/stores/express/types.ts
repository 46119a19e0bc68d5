/** Of an entry's cookie, what stores reckon its life from: whichever of these they look at, it says the same. */
export interface ExpressCookie {
  /** ms */
  originalMaxAge: number | null
  /** ms */
  maxAge?: number | undefined
  expires?: Date | null | undefined
}

/**
 * What is used of a store that was made for express-session: connect-redis, connect-mongo, connect-pg-simple,
 * express-session's own MemoryStore, and the many others. `touch` is not among it: when a session ends is part of
 * its record here, and to say that anew is to write it.
 */
export interface ExpressStore {
  get(id: string, callback: (error: unknown, entry?: unknown) => void): unknown
  set(id: string, entry: { cookie: ExpressCookie }, callback: (error?: unknown) => void): unknown
  destroy(id: string, callback: (error?: unknown) => void): unknown
  /** Stores say so when they lose their database, and when they have it back. */
  on?(event: 'connect' | 'disconnect', listener: () => void): unknown
}
