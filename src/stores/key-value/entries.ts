import { deadline } from '../../util/deadline.js'
import type { KeyValuePort } from './port.js'

/** What stands in somebody else's store under our prefix. */
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
 * ms after which a write that was not answered counts as lost. Most databases give up before. Until then nothing
 * else is written under its key, because the late write could undo it.
 */
const WRITE_TIMEOUT = 10_000

/** `readTimeout`: ms. It can be short: a read that comes late changes nothing. */
export function entriesOf(port: KeyValuePort, prefix: string, readTimeout: number): Entries {
  // As in express-session: a store that never emits these events counts as connected.
  let isConnected = true
  port.on?.('disconnect', () => {
    isConnected = false
  })
  port.on?.('connect', () => {
    isConnected = true
  })

  return {
    async get(key) {
      const read = call(readTimeout, () => port.get(prefix + key))
      const entry = await read.catch(nothingWhereNoFile)
      return entry && !isOver(entry) ? parse(entry) : undefined
    },

    async set(key, value, until) {
      const entry = { weapp: JSON.stringify(value), weappUntil: until }
      await call(WRITE_TIMEOUT, () => port.set(prefix + key, entry, until))
    },

    async remove(key) {
      await call(WRITE_TIMEOUT, () => port.remove(prefix + key))
    },
  }

  function call<T>(timeout: number, start: () => Promise<T>): Promise<T> {
    if (!isConnected) return Promise.reject(new Error('the store has lost its database'))
    return deadline(timeout, start(), () => new Error(`the store has not answered within ${timeout} ms`))
  }
}

/**
 * Stores of files answer with ENOENT for a missing entry, and express-session accepts that. A Unix socket whose server is away
 * says so, too, and is no missing entry.
 */
export function nothingWhereNoFile(error: unknown): undefined {
  const { code, syscall } = Object(error) as { code?: unknown; syscall?: unknown }
  if (code !== 'ENOENT' || syscall === 'connect') throw error
}

function isOver(entry: unknown): boolean {
  const { weappUntil } = Object(entry) as { weappUntil?: unknown }
  return typeof weappUntil === 'number' && weappUntil <= Date.now()
}

function parse(entry: unknown): unknown {
  try {
    const { weapp } = entry as { weapp?: unknown }
    return typeof weapp === 'string' ? JSON.parse(weapp) : FOREIGN
  } catch {
    return FOREIGN
  }
}
