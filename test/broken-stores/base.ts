import type { ExpressStore } from '../../src/stores/express/index.js'
import { fromExpressStore } from '../../src/stores/express/index.js'
import type { Written } from '../../src/stores/key-value/written.js'
import type { SessionStore } from '../../src/stores/store.js'
import type { StoredEntry } from '../../src/testing/index.js'

/** A sound store over a `Map`, and a hand in what it keeps: to be broken. */
export interface Base {
  store: SessionStore
  look(id: string): Written | undefined
  write(id: string, written: Written): void
  forget(id: string): void
  /** What is kept, for the cases about expiry. */
  entries(): Promise<StoredEntry[]>
}

interface Kept {
  /** As it would stand in a database: JSON. */
  text: string
  /** Unix ms: what the store was told about how long to keep it. */
  until: number
}

const PREFIX = 'weapp-session:'

/** `lifeOf`: how long the database keeps an entry, of the ms that it is told. */
export function createBase(lifeOf: (ms: number, key: string) => number = (ms) => ms): Base {
  const kept = new Map<string, Kept>()
  const store = fromExpressStore(mapStore(kept, lifeOf), { timeout: 20_000 })
  const keyOf = (id: string) => `${PREFIX}s:${id}`

  return {
    store,

    look(id) {
      const entry = kept.get(keyOf(id))
      return entry && JSON.parse(JSON.parse(entry.text).weapp)
    },

    write(id, written) {
      const text = JSON.stringify({ weapp: JSON.stringify(written) })
      kept.set(keyOf(id), { text, until: Date.now() + 600_000 })
    },

    forget(id) {
      kept.delete(keyOf(id))
    },

    async entries() {
      return [...kept].map(([key, { until }]) => ({ key, ttl: until - Date.now() }))
    },
  }
}

function mapStore(kept: Map<string, Kept>, lifeOf: (ms: number, key: string) => number): ExpressStore {
  return {
    get(id, callback) {
      const entry = kept.get(id)
      callback(null, entry && entry.until > Date.now() ? JSON.parse(entry.text) : undefined)
    },
    set(id, entry, callback) {
      const until = Date.now() + lifeOf(entry.cookie.originalMaxAge ?? 0, id)
      kept.set(id, { text: JSON.stringify(entry), until })
      callback()
    },
    destroy(id, callback) {
      kept.delete(id)
      callback()
    },
  }
}
