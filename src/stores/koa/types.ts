/**
 * What is used of a store that was made for koa-session: koa-redis, koa-session-local, koa-session-mongoose, and many others;
 * what they return may be a promise, or no promise.
 */
export interface KoaStore {
  get(key: string, maxAge?: number, options?: KoaStoreHints): unknown
  /** `maxAge`: ms that the entry is kept. */
  set(key: string, entry: KoaStoreEntry, maxAge?: number, options?: KoaStoreHints): unknown
  destroy(key: string, options?: KoaStoreHints): unknown
  /** Stores emit these when they lose their database, and when it is back. */
  on?(event: 'connect' | 'disconnect', listener: () => void): unknown
}

/** What koa-session tells a store beside the entry. There is no `ctx`: an entry is no cookie's. */
export interface KoaStoreHints {
  rolling?: boolean
  changed?: boolean
}

/** The fields from which stores compute how long to keep an entry, where they do not go by `maxAge`. */
export interface KoaStoreEntry {
  /** Unix ms. As koa-session has it. */
  _expire: number
  /** ms. As koa-session has it. */
  _maxAge: number
  /** As koa-generic-session has it. */
  cookie: { maxAge?: number | undefined; expires?: Date | null | undefined }
}
