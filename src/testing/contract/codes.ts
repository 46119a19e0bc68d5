/** A login code is claimed once, and what became of it is remembered. */
import { deepStrictEqual as deepEqual, strictEqual as equal, ok } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreCase } from '../store-case.js'
import { claimed, create, newId, newRecord } from './support.js'

export const codes: readonly StoreCase[] = [
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

      await store.refuse(claim, refusal, 60_000)

      deepEqual(await store.read(id), { state: 'refused', refusal })
      deepEqual(await store.claim(id), { state: 'refused', refusal })
    },
  },
  {
    name: 'a refusal that comes late does not replace a session',
    async run(store) {
      const { id, claim, record } = await create(store)

      await store.refuse(claim, { status: 401 }, 60_000)

      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'a refusal is forgotten after its time',
    async run(store) {
      const id = newId()
      await store.refuse(await claimed(store, id), { status: 401, errcode: 40029 }, 300)

      // Some databases count in whole seconds.
      await sleep(1400)

      equal(await store.read(id), undefined)
      equal((await store.claim(id)).state, 'granted')
    },
  },
  {
    name: 'a claim that somebody else refuses, by the token that is read, creates nothing and ends nobody',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, max: 1 })
      const claim = await claimed(store, newId())
      const seen = await store.read(claim.id)
      ok(seen?.state === 'claimed')

      await store.refuse({ id: claim.id, token: seen.token }, { status: 401 }, 60_000)

      equal(await store.create({ id: claim.id, user, claim, record: newRecord(), max: 1 }), false)
      equal((await store.read(claim.id))?.state, 'refused')
      equal((await store.read(kept.id))?.state, 'session')
    },
  },
  {
    name: 'a token that is not the claim’s refuses nothing',
    async run(store) {
      const claim = await claimed(store, newId())

      await store.refuse({ id: claim.id, token: 'another' }, { status: 401 }, 60_000)

      ok(await store.create({ id: claim.id, user: newId(), claim, record: newRecord(), max: 1 }))
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
]
