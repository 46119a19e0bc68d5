import { deadline } from '../../util/deadline.js'
import type { ExpressCookie, ExpressStore } from './types.js'

/** What stands in an express-session store under our prefix, as promises. */
export interface Entries {
  /** What we put there; nothing where nothing is; {@link FOREIGN} where none of us wrote what is. */
  get(key: string): Promise<unknown>
  /** `until`: Unix ms. */
  set(key: string, value: unknown, until: number): Promise<void>
  remove(key: string): Promise<void>
}

/** What the store has is not ours, or damaged. */
const FOREIGN: unique symbol = Symbol('none of ours')

/**
 * ms after which a write that has not called back is believed to be lost: most databases give up before that. Until
 * then nothing else is written under its key, or it might come late and undo that.
 */
const WRITE_TIMEOUT = 10_000

type Done<T> = (error?: unknown, result?: T) => void

/** `readTimeout`: ms; what is read late harms nobody. */
export function entriesOf(store: ExpressStore, prefix: string, readTimeout: number): Entries {
  // As express-session has it: a store that says nothing is there.
  let isThere = true
  store.on?.('disconnect', () => {
    isThere = false
  })
  store.on?.('connect', () => {
    isThere = true
  })

  return {
    async get(key) {
      const read = call<unknown>(readTimeout, (done) => store.get(prefix + key, done))
      const entry = await read.catch(nothingWhereNoFile)
      return entry ? parse(entry) : undefined
    },

    async set(key, value, until) {
      // As text: what a database does to dots, dates or `undefined` in objects is not done to it.
      const entry = { cookie: cookieUntil(until), weapp: JSON.stringify(value) }
      await call(WRITE_TIMEOUT, (done) => store.set(prefix + key, entry, done))
    },

    async remove(key) {
      await call(WRITE_TIMEOUT, (done) => store.destroy(prefix + key, done))
    },
  }

  /** Only the first word of a callback counts, and an error counts however it is brought. */
  function call<T>(timeout: number, start: (done: Done<T>) => unknown): Promise<T | undefined> {
    if (!isThere) return Promise.reject(new Error('the store has lost its database'))

    const answer = new Promise<T | undefined>((resolve, reject) => {
      const returned = start((error, result) => (error ? reject(error) : resolve(result)))
      // Only real promises: to ask another thenable for its result may well run its query once more.
      if (returned instanceof Promise) returned.catch(reject)
    })
    return deadline(timeout, answer, () => new Error(`the store has not called back within ${timeout} ms`))
  }
}

/** Stores that keep files say it so, and express-session takes it so. */
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
