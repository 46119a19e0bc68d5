import { CODE_MEMORY, type SessionStore } from '../stores/store.js'
import { create, createSuccessor, newClaim, newId, ok, recordLasting } from './contract/support.js'

/** What a database has under one key. */
export interface StoredEntry {
  key: string
  /** ms until the database removes it; Infinity for one that it keeps for ever. */
  ttl: number
}

/** One promise about how long a database keeps what a store writes, which no method of a store says. */
export interface ExpiryCase {
  /** A sentence: what a store does. */
  readonly name: string
  /**
   * Tries it on a store that nobody else uses, and that has written nothing yet.
   *
   * @param entries asks the database for all that the store has written
   * @throws {AssertionError} of `node:assert`, where the promise is broken
   */
  run(store: SessionStore, entries: () => Promise<StoredEntry[]>): Promise<void>
}

/** ms that a database may be off: it counts in seconds, or the machine is busy. */
const SLACK = 20_000

/** ms: the longest life of a session here. */
const LIFE = 600_000

/**
 * How long a store keeps what it writes, for stores over a database that can be asked.
 *
 * @example
 * import test from 'node:test'
 * import { storeExpiryContract } from 'koa-weapp-session/testing'
 *
 * const entries = async () => [{ key: 'session:1', ttl: 600_000 }] // what your database has
 * for (const { name, run } of storeExpiryContract) test(name, () => run(myStore(), entries))
 */
export const storeExpiryContract: readonly ExpiryCase[] = [
  {
    name: 'claim() and refuse(): a code is kept for its life, and a refusal for its own',
    async run(store, entries) {
      await newClaim(store, newId())
      keptFor(await entries(), CODE_MEMORY)

      await store.refuse(await newClaim(store, newId()), { status: 401 }, 60_000)
      const kept = await entries()

      ok(kept.length > 1 && kept.some(({ ttl }) => ttl <= 60_000 + SLACK), saidOf(kept))
    },
  },
  {
    name: 'create(): a session is kept until its end, its list too, and a short one for as long as its code',
    async run(store, entries) {
      await create(store, { record: recordLasting(1000) })
      keptFor(await entries(), CODE_MEMORY)

      await create(store, { record: recordLasting(LIFE) })

      const long = (await entries()).filter(({ ttl }) => ttl >= LIFE - SLACK)
      ok(long.length >= 2, saidOf(await entries()))
    },
  },
  {
    name: 'renew(): a renewed session is kept until its new end, and its list too',
    async run(store, entries) {
      const { id, user } = await create(store, { record: recordLasting(LIFE / 2) })

      await store.renew(id, user, Date.now() + LIFE)

      const long = (await entries()).filter(({ ttl }) => ttl >= LIFE - SLACK)
      ok(long.length >= 2, saidOf(await entries()))
    },
  },
  {
    name: 'end(), confirm(), putBack() and revoke(): nothing is kept for ever',
    async run(store, entries) {
      const user = newId()
      const first = await create(store, { user, record: recordLasting(LIFE) })
      const { id } = await createSuccessor(store, first)
      const taking = { id, user, token: newId(), successor: newId() }
      await store.take(taking)
      await store.putBack(taking)
      const ended = await create(store, { user, record: recordLasting(LIFE) })
      await store.end(ended.id, user)
      await store.end(newId(), user)
      await store.revoke(user)
      await store.refuse(await newClaim(store, newId()), { status: 401 }, 60_000)

      const kept = await entries()

      ok(kept.length > 4, saidOf(kept))
      // A list may be kept for some time more.
      for (const { ttl } of kept) ok(ttl > 0 && ttl <= 2 * LIFE, saidOf(kept))
    },
  },
]

/** Whether there are entries, and one of them, at least, is kept so long: a list need not be. */
function keptFor(kept: StoredEntry[], ms: number): void {
  ok(
    kept.some(({ ttl }) => ttl >= ms - SLACK && ttl <= ms + LIFE),
    saidOf(kept),
  )
}

function saidOf(kept: StoredEntry[]): string {
  return kept.map(({ key, ttl }) => `${key}: ${ttl} ms`).join(', ') || 'nothing is kept'
}
