import type { ExpressCookie } from '../key-value/cookie.js'

/**
 * What is used of a store that was made for express-session: connect-redis, connect-mongo, connect-pg-simple,
 * express-session's own MemoryStore, and many others. `touch` is not used: the end of a session is part of its record
 * here, and a new end is a write.
 */
export interface ExpressStore {
  get(id: string, callback: (error: unknown, entry?: unknown) => void): unknown
  set(id: string, entry: { cookie: ExpressCookie }, callback: (error?: unknown) => void): unknown
  destroy(id: string, callback: (error?: unknown) => void): unknown
  /** Stores emit these when they lose their database, and when it is back. */
  on?(event: 'connect' | 'disconnect', listener: () => void): unknown
}
