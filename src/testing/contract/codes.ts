/** A login code is claimed once, and what became of it is remembered. */
import { deepStrictEqual as deepEqual, strictEqual as equal, notStrictEqual as notEqual } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreCase } from '../store-case.js'
import { create, newClaim, newId, newRecord, ok } from './support.js'

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
      const since = performance.now()
      await store.claim(id)
      const young = await store.read(id)
      // A busy machine takes its time.
      const most = performance.now() - since + 50

      await sleep(300)
      const old = await store.claim(id)
      const oldest = performance.now() - since + 2000

      ok(young?.state === 'claimed' && young.age >= 0 && young.age < most, JSON.stringify(young))
      ok(old.state === 'claimed' && old.age >= 290 && old.age < oldest, JSON.stringify(old))
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
    name: 'create(): with another token it creates nothing, and the claim is still there for its owner',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, max: 1 })
      const claim = await newClaim(store, newId())
      const theirs = {
        id: claim.id,
        user,
        claim: { ...claim, token: 'another' },
        record: newRecord(),
        max: 1,
      }

      equal(await store.create(theirs), false)
      equal(await store.create({ ...theirs, id: newId() }), false)

      equal((await store.read(claim.id))?.state, 'claimed')
      equal((await store.read(kept.id))?.state, 'session')
      ok(await store.create({ ...theirs, claim, max: 2 }))
    },
  },
  {
    name: 'create(): where it returns false, the code is spent all the same',
    async run(store) {
      const user = newId()
      const revoked = [await newClaim(store, newId()), await newClaim(store, newId())]
      await store.revoke(user)
      for (const claim of revoked) {
        const id = claim === revoked[0] ? claim.id : newId()
        equal(await store.create({ id, user, claim, record: newRecord(), max: 10 }), false)
      }
      const refused = await newClaim(store, newId())
      await store.refuse(refused, { status: 401 }, 60_000)
      equal(await store.create({ id: newId(), user, claim: refused, record: newRecord(), max: 10 }), false)

      for (const { id } of [...revoked, refused]) {
        ok(await store.read(id))
        notEqual((await store.claim(id)).state, 'granted')
      }
    },
  },
  {
    name: 'claim(): a code is remembered, whatever has become of it, for longer than three seconds',
    async run(store) {
      const claimed = await newClaim(store, newId())
      const refused = await newClaim(store, newId())
      await store.refuse(refused, { status: 401 }, 60_000)
      const short = await create(store, { record: newRecord({ expires: Date.now() + 1000 }) })
      const ended = await create(store)
      await store.end(ended.id, ended.user)
      const used = await newClaim(store, newId())
      ok(await store.create({ id: newId(), user: newId(), claim: used, record: newRecord(), max: 1 }))

      await sleep(3300)

      const states = []
      for (const { id } of [claimed, refused, short, ended, used]) states.push((await store.claim(id)).state)
      deepEqual(states, ['claimed', 'refused', 'ended', 'ended', 'used'])
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
