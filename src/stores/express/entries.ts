import { deadline } from '../../util/deadline.js'
import type { ExpressCookie, ExpressStore } from './types.js'

/** What stands in an express-session store under our prefix, as promises. */
export interface Entries {
  /** What this package wrote; nothing for a missing entry; {@link FOREIGN} for one that others wrote. */
  get(key: string): Promise<unknown>
  /** `until`: Unix ms. */
  set(key: string, value: unknown, until: number): Promise<void>
  remove(key: string): Promise<void>
}

/** Stands for an entry that others wrote, or damaged. */
const FOREIGN: unique symbol = Symbol('none of ours')

/**
 * ms after which a write that has not called back counts as lost. Most databases give up before. Until then nothing
 * else is written under its key, because the late write could undo it.
 */
const WRITE_TIMEOUT = 10_000

type Done<T> = (error?: unknown, result?: T) => void

/** `readTimeout`: ms. It can be short: a read that comes late changes nothing. */
export function entriesOf(store: ExpressStore, prefix: string, readTimeout: number): Entries {
  // As in express-session: a store that never emits these events counts as connected.
  let isConnected = true
  store.on?.('disconnect', () => {
    isConnected = false
  })
  store.on?.('connect', () => {
    isConnected = true
  })

  return {
    async get(key) {
      const read = call<unknown>(readTimeout, (done) => store.get(prefix + key, done))
      const entry = await read.catch(nothingWhereNoFile)
      return entry ? parse(entry) : undefined
    },

    async set(key, value, until) {
      // As text, because some databases change objects with dots, dates or `undefined` in them.
      const entry = { cookie: cookieUntil(until), weapp: JSON.stringify(value) }
      await call(WRITE_TIMEOUT, (done) => store.set(prefix + key, entry, done))
    },

    async remove(key) {
      await call(WRITE_TIMEOUT, (done) => store.destroy(prefix + key, done))
    },
  }

  /** Only the first callback counts. An error counts whether it is called back, thrown or a rejection. */
  function call<T>(timeout: number, start: (done: Done<T>) => unknown): Promise<T | undefined> {
    if (!isConnected) return Promise.reject(new Error('the store has lost its database'))

    const answer = new Promise<T | undefined>((resolve, reject) => {
      const returned = start((error, result) => (error ? reject(error) : resolve(result)))
      // Only real promises: calling `then()` of another thenable may run its query once more.
      if (returned instanceof Promise) returned.catch(reject)
    })
    return deadline(timeout, answer, () => new Error(`the store has not called back within ${timeout} ms`))
  }
}

/** Stores of files answer with ENOENT for a missing entry, and express-session accepts that. */
function nothingWhereNoFile(error: unknown): undefined {
  if ((error as { code?: unknown } | null)?.code !== 'ENOENT') throw error
}

function parse(entry: unknown): unknown {
  try {
    const { weapp } = entry as { weapp?: unknown }
    return typeof weapp === 'string' ? JSON.parse(weapp) : FOREIGN
  } catch {
    return FOREIGN
  }
}

function cookieUntil(until: number): ExpressCookie & { httpOnly: boolean; path: string } {
  const life = Math.max(1, until - Date.now())
  return { originalMaxAge: life, maxAge: life, expires: new Date(until), httpOnly: true, path: '/' }
}
