/**
 * The promises of {@link SessionStore}, as tests for whoever writes a store: for any runner, because each is an async
 * function that throws where a promise is broken.
 *
 * @module
 */
import {
  deepStrictEqual as deepEqual,
  strictEqual as equal,
  notStrictEqual as notEqual,
  ok,
} from 'node:assert'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Claim, SessionRecord, SessionStore } from '../store.js'

/** One promise of a store. */
export interface StoreCase {
  /** A sentence: what a store does. */
  readonly name: string
  /**
   * Tries it on a store, with ids of its own: cases may share a store, and what else is in it is left alone. Takes two
   * seconds at most.
   *
   * @throws {AssertionError} of `node:assert`, where the promise is broken
   */
  run(store: SessionStore): Promise<void>
}

/**
 * What every store promises, one by one: those of this package pass them all.
 *
 * @example
 * import test from 'node:test'
 * import { storeContract } from 'koa-weapp-session/testing'
 *
 * for (const { name, run } of storeContract) test(name, () => run(myStore()))
 */
export const storeContract: readonly StoreCase[] = [
  {
    name: 'an id that nobody used is not found',
    async run(store) {
      equal(await store.read(newId()), undefined)
    },
  },
  {
    name: 'a created session is read as it was written',
    async run(store) {
      const record = newRecord({ data: { list: [], text: '小明😀', nested: { none: null } } })
      const { id } = await create(store, { record })

      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'a session ends at its expiry, and its code stays spent',
    async run(store) {
      const { id } = await create(store, { record: newRecord({ expires: Date.now() + 300 }) })

      await sleep(450)

      deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.claim(id), { state: 'ended' })
    },
  },
  {
    name: 'of 20 parallel claims exactly one is granted, and the others see it',
    async run(store) {
      const id = newId()

      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(id)))

      const states = claims.map(({ state }) => state).sort()
      deepEqual(states, [...Array(19).fill('claimed'), 'granted'])
    },
  },
  {
    name: 'a claim says how old it is, and still stands when it is old',
    async run(store) {
      const id = newId()
      await store.claim(id)
      const young = await store.read(id)

      await sleep(300)
      const old = await store.claim(id)

      ok(young?.state === 'claimed' && young.age >= 0 && young.age < 300, JSON.stringify(young))
      ok(old.state === 'claimed' && old.age >= 290 && old.age < 2000, JSON.stringify(old))
    },
  },
  {
    name: 'a refusal takes the place of its claim and is remembered',
    async run(store) {
      const id = newId()
      const claim = await claimed(store, id)
      const refusal = { status: 401, errcode: 40029 }

      await store.refuse(claim, refusal)

      deepEqual(await store.read(id), { state: 'refused', refusal })
      deepEqual(await store.claim(id), { state: 'refused', refusal })
    },
  },
  {
    name: 'a refusal that comes late does not replace a session',
    async run(store) {
      const { id, claim, record } = await create(store)

      await store.refuse(claim, { status: 401 })

      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'a session is created once, and only over its own claim',
    async run(store) {
      const { id, user, claim, record } = await create(store)
      const other = newRecord({ user: { appId: 'wx-test', openId: 'o-somebody-else' } })

      equal(await store.create({ id, user, claim, record: other, max: 10 }), false)
      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'an id that is not its code is created once, and uses its claim up',
    async run(store) {
      const claim = await claimed(store, newId())
      const [id, user, record] = [newId(), newId(), newRecord()]

      ok(await store.create({ id, user, claim, record, max: 10 }))
      equal(await store.create({ id, user, claim, record: newRecord(), max: 10 }), false)

      deepEqual(await store.read(id), { state: 'session', record })
      equal((await store.read(claim.id))?.state, 'used')
    },
  },
  {
    name: 'an update is taken over the revision it was made from',
    async run(store) {
      const { id, record } = await create(store)

      equal(await store.update(id, { ...record, data: { n: 1 } }), 'saved')

      deepEqual(await store.read(id), { state: 'session', record: { ...record, data: { n: 1 }, rev: 1 } })
    },
  },
  {
    name: 'of 20 parallel updates of one revision exactly one is saved',
    async run(store) {
      const { id, record } = await create(store)

      const updates = Array.from({ length: 20 }, (_, n) => store.update(id, { ...record, data: { n } }))
      const results = await Promise.all(updates)

      equal(results.filter((result) => result === 'saved').length, 1)
      equal(results.filter((result) => result === 'conflict').length, 19)
    },
  },
  {
    name: 'an update leaves the expiry as it is stored',
    async run(store) {
      const { id, user, record } = await create(store)
      const expires = record.expires + 60_000
      await store.renew(id, user, expires)

      await store.update(id, { ...record, expires: record.expires - 1000 })

      const entry = await store.read(id)
      equal(entry?.state === 'session' && entry.record.expires, expires)
    },
  },
  {
    name: 'an ended session stays ended, whatever writes to it',
    async run(store) {
      const { id, user, claim, record } = await create(store)

      await store.end(id, user)

      deepEqual(await store.read(id), { state: 'ended' })
      equal(await store.update(id, { ...record, data: { n: 1 } }), 'ended')
      await store.renew(id, user, record.expires + 60_000)
      equal(await store.create({ id, user, claim, record, max: 10 }), false)
      equal((await store.claim(id)).state, 'ended')
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'a session ends at the revision that is named, and at no other',
    async run(store) {
      const { id, user, record } = await create(store)
      await store.update(id, { ...record, data: { n: 1 } })

      equal(await store.end(id, user, 0), false)
      equal((await store.read(id))?.state, 'session')
      ok(await store.end(id, user, 1))

      deepEqual(await store.read(id), { state: 'ended' })
      equal(await store.end(id, user), false)
      equal(await store.end(id, user, 1), false)
    },
  },
  {
    name: 'a session that is over is not renewed',
    async run(store) {
      const { id, user } = await create(store, { record: newRecord({ expires: Date.now() + 200 }) })

      await sleep(300)
      await store.renew(id, user, Date.now() + 60_000)

      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
  {
    name: 'renewing makes a session longer, never shorter, and is no revision',
    async run(store) {
      const user = newId()
      // Its first call may take as long as the session lives: it connects.
      await store.read(newId())
      const { id, record } = await create(store, { user, record: newRecord({ expires: Date.now() + 1000 }) })
      const expires = Date.now() + 60_000

      await store.renew(id, user, expires)
      await store.renew(id, user, Date.now() + 1100)
      await sleep(1300)

      deepEqual(await store.read(id), { state: 'session', record: { ...record, expires } })
      // Nor does it take the session out of sight of a revocation, however many logins come between.
      await create(store, { user })
      await store.revoke(user)
      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
  {
    name: 'renewing what is not there makes nothing',
    async run(store) {
      const [id, user] = [newId(), newId()]

      await store.renew(id, user, Date.now() + 60_000)

      equal(await store.read(id), undefined)
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: "a user's sessions are listed, the newest first, ten at most",
    async run(store) {
      const user = newId()
      const start = Date.now()
      for (let n = 1; n <= 12; n++) {
        const times = { created: start + 10 * n, expires: start + 60_000 + 10 * n }
        await create(store, { user, record: newRecord({ ...times, data: { n } }), max: 20 })
      }

      const list = await store.list(user)

      deepEqual(
        list.map(({ record }) => record.data.n),
        [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
      )
    },
  },
  {
    name: 'expired sessions are not listed and do not take a place',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, max: 2 })
      await create(store, { user, record: newRecord({ expires: Date.now() + 100 }), max: 2 })
      await sleep(200)

      await create(store, { user, max: 2 })

      equal((await store.list(user)).length, 2)
      equal((await store.read(kept.id))?.state, 'session')
    },
  },
  {
    name: 'the session that would end first makes room for a new one',
    async run(store) {
      const user = newId()
      const first = await create(store, { user, record: lasting(60_000), max: 2 })
      const second = await create(store, { user, record: lasting(60_100), max: 2 })

      const third = await create(store, { user, max: 2 })

      deepEqual(await store.read(first.id), { state: 'ended' })
      equal((await store.read(second.id))?.state, 'session')
      equal((await store.read(third.id))?.state, 'session')
    },
  },
  {
    name: 'a session that was renewed stays longer than one that began after it',
    async run(store) {
      const user = newId()
      const first = await create(store, { user, record: lasting(60_000), max: 2 })
      const second = await create(store, { user, record: lasting(60_100), max: 2 })
      await store.renew(first.id, user, first.record.expires + 60_000)

      await create(store, { user, max: 2 })

      deepEqual(await store.read(second.id), { state: 'ended' })
      equal((await store.read(first.id))?.state, 'session')
    },
  },
  {
    name: 'with room for one, 20 parallel logins leave exactly one session',
    async run(store) {
      const user = newId()
      const claims = await Promise.all(Array.from({ length: 20 }, () => claimed(store, newId())))

      await Promise.all(
        claims.map((claim) => store.create({ id: claim.id, user, claim, record: newRecord(), max: 1 })),
      )

      const entries = await Promise.all(claims.map(({ id }) => store.read(id)))
      equal(entries.filter((entry) => entry?.state === 'session').length, 1)
      equal((await store.list(user)).length, 1)
    },
  },
  {
    name: 'a login that fails takes nobody else’s place',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, max: 2 })
      for (let n = 0; n < 3; n++) {
        const claim = await claimed(store, newId())
        await store.refuse(claim, { status: 401 })
        equal(await store.create({ id: claim.id, user, claim, record: newRecord(), max: 2 }), false)
      }

      await create(store, { user, max: 2 })

      equal((await store.read(kept.id))?.state, 'session')
    },
  },
  {
    name: "a revocation ends all of a user's sessions and nobody else's",
    async run(store) {
      const user = newId()
      const mine = [await create(store, { user }), await create(store, { user })]
      const other = await create(store)

      await store.revoke(user)

      for (const { id } of mine) deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.list(user), [])
      equal((await store.read(other.id))?.state, 'session')
    },
  },
  {
    name: 'a login that began before a revocation creates nothing, one that begins after it does',
    async run(store) {
      const user = newId()
      const before = await claimed(store, newId())
      await store.revoke(user)
      const after = await claimed(store, newId())

      equal(await store.create({ id: before.id, user, claim: before, record: newRecord(), max: 10 }), false)
      ok(await store.create({ id: after.id, user, claim: after, record: newRecord(), max: 10 }))

      notEqual((await store.read(before.id))?.state, 'session')
    },
  },
  {
    name: 'logins in flight and a revocation at once leave no session from before',
    async run(store) {
      const user = newId()
      const claims = await Promise.all(Array.from({ length: 20 }, () => claimed(store, newId())))
      const logins = claims.map((claim) =>
        store.create({ id: claim.id, user, claim, record: newRecord(), max: 50 }),
      )

      await store.revoke(user)
      await Promise.all(logins)

      const entries = await Promise.all(claims.map(({ id }) => store.read(id)))
      deepEqual(
        entries.filter((entry) => entry?.state === 'session'),
        [],
      )
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'everything may be called twice',
    async run(store) {
      const { id, user } = await create(store)

      await Promise.all([store.end(id, user), store.end(id, user), store.revoke(user), store.revoke(user)])

      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
]

export interface Created {
  id: string
  user: string
  claim: Claim
  record: SessionRecord
}

export async function create(
  store: SessionStore,
  {
    user = newId(),
    record = newRecord(),
    max = 10,
  }: { user?: string; record?: SessionRecord; max?: number } = {},
): Promise<Created> {
  const id = newId()
  const claim = await claimed(store, id)
  if (!(await store.create({ id, user, claim, record, max }))) throw new Error('the session was not created')
  return { id, user, claim, record }
}

async function claimed(store: SessionStore, id: string): Promise<Claim> {
  const entry = await store.claim(id)
  if (entry.state !== 'granted') throw new Error(`the claim was not granted: ${entry.state}`)
  return entry.claim
}

export function newId(): string {
  return randomUUID()
}

export function newRecord(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    v: 1,
    appId: 'wx-test',
    user: { appId: 'wx-test', openId: 'o-test' },
    data: {},
    key: 'sealed',
    created: Date.now(),
    expires: Date.now() + 60_000,
    rev: 0,
    ...fields,
  }
}

/** A record of a session that begins now and ends in so many ms. */
function lasting(ms: number): SessionRecord {
  return newRecord({ expires: Date.now() + ms })
}
