/** A login code is claimed once, and what became of it is remembered. */
import { deepStrictEqual as deepEqual, strictEqual as equal, ok } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreCase } from '../store-case.js'
import { create, newClaim, newId, newRecord } from './support.js'

export const codes: readonly StoreCase[] = [
  {
    name: 'claim(): of 20 parallel claims exactly one is granted, and the others see it',
    async run(store) {
      const id = newId()

      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(id)))

      const states = claims.map(({ state }) => state).sort()
      deepEqual(states, [...Array(19).fill('claimed'), 'granted'])
    },
  },
  {
    name: 'claim(): a claim tells its age, and an old claim still stands',
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
    name: 'refuse(): the refusal replaces its claim, and is remembered',
    async run(store) {
      const id = newId()
      const claim = await newClaim(store, id)
      const refusal = { status: 401, errcode: 40029 }

      await store.refuse(claim, refusal, 60_000)

      deepEqual(await store.read(id), { state: 'refused', refusal })
      deepEqual(await store.claim(id), { state: 'refused', refusal })
    },
  },
  {
    name: 'refuse(): a late refusal does not replace a session',
    async run(store) {
      const { id, claim, record } = await create(store)

      await store.refuse(claim, { status: 401 }, 60_000)

      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'refuse(): the refusal is forgotten after its time',
    async run(store) {
      const id = newId()
      await store.refuse(await newClaim(store, id), { status: 401, errcode: 40029 }, 300)

      // Some databases count in whole seconds.
      await sleep(1400)

      equal(await store.read(id), undefined)
      equal((await store.claim(id)).state, 'granted')
    },
  },
  {
    name: 'refuse(): with the token that read() returns, anybody can refuse a claim; then it creates and ends nothing',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, max: 1 })
      const claim = await newClaim(store, newId())
      const seen = await store.read(claim.id)
      ok(seen?.state === 'claimed')

      await store.refuse({ id: claim.id, token: seen.token }, { status: 401 }, 60_000)

      equal(await store.create({ id: claim.id, user, claim, record: newRecord(), max: 1 }), false)
      equal((await store.read(claim.id))?.state, 'refused')
      equal((await store.read(kept.id))?.state, 'session')
    },
  },
  {
    name: 'refuse(): another token changes nothing',
    async run(store) {
      const claim = await newClaim(store, newId())

      await store.refuse({ id: claim.id, token: 'another' }, { status: 401 }, 60_000)

      ok(await store.create({ id: claim.id, user: newId(), claim, record: newRecord(), max: 1 }))
    },
  },
  {
    name: 'create(): a claim creates one session',
    async run(store) {
      const { id, user, claim, record } = await create(store)
      const other = newRecord({ user: { appId: 'wx-test', openId: 'o-somebody-else' } })

      equal(await store.create({ id, user, claim, record: other, max: 10 }), false)
      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'create(): a session with an id of its own is created once, and its claim becomes used',
    async run(store) {
      const claim = await newClaim(store, newId())
      const [id, user, record] = [newId(), newId(), newRecord()]

      ok(await store.create({ id, user, claim, record, max: 10 }))
      equal(await store.create({ id, user, claim, record: newRecord(), max: 10 }), false)

      deepEqual(await store.read(id), { state: 'session', record })
      equal((await store.read(claim.id))?.state, 'used')
    },
  },
]
