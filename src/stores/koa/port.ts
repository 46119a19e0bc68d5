import { cookieUntil, lifeUntil } from '../key-value/cookie.js'
import type { KeyValuePort } from '../key-value/port.js'
import type { KoaStore } from './types.js'

/** To a store that keeps what it is asked for a little longer, say. We write every new end ourselves. */
const OPTIONS = { rolling: false, changed: true }

/** A store of koa-session, as promises. Async functions: what it throws is a rejection, and what it returns may be no promise. */
export function koaPort(store: KoaStore): KeyValuePort {
  return {
    // Without a life: some stores count from the last reading then, and an entry must not live longer for being read.
    get: async (key) => store.get(key, undefined, OPTIONS),
    async set(key, entry, until) {
      const life = lifeUntil(until)
      const fields = { cookie: cookieUntil(until), _expire: until, _maxAge: life }
      await store.set(key, { ...fields, ...entry }, life, OPTIONS)
    },
    remove: async (key) => store.destroy(key, {}),
    on: (event, listener) => void store.on?.(event, listener),
  }
}
