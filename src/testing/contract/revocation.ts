/** A revocation ends all that began before it. */
import { deepStrictEqual as deepEqual, strictEqual as equal, notStrictEqual as notEqual } from 'node:assert'
import type { StoreCase } from '../store-case.js'
import { create, newClaim, newId, newRecord, ok } from './support.js'

export const revocation: readonly StoreCase[] = [
  {
    name: "revoke(): it ends all of a user's sessions, and nobody else's",
    async run(store) {
      const user = newId()
      const mine = [await create(store, { user }), await create(store, { user })]
      const other = await create(store)

      await store.revoke(user)

      for (const { id } of mine) equal((await store.read(id))?.state, 'ended')
      deepEqual(await store.list(user), [])
      equal((await store.read(other.id))?.state, 'session')
    },
  },
  {
    name: 'revoke(): a login that began before creates nothing, and one that begins afterwards does',
    async run(store) {
      const user = newId()
      const before = await newClaim(store, newId())
      await store.revoke(user)
      const after = await newClaim(store, newId())

      equal(await store.create({ id: before.id, user, claim: before, record: newRecord(), max: 10 }), false)
      ok(await store.create({ id: after.id, user, claim: after, record: newRecord(), max: 10 }))

      notEqual((await store.read(before.id))?.state, 'session')
    },
  },
  {
    name: 'revoke(): parallel logins that began before leave no session',
    async run(store) {
      const user = newId()
      const claims = await Promise.all(Array.from({ length: 20 }, () => newClaim(store, newId())))
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
    name: 'revoke(): a revoked session is not updated, renewed or taken',
    async run(store) {
      const { id, user, record } = await create(store)

      await store.revoke(user)

      equal(await store.update(id, { ...record, data: { n: 1 } }), 'ended')
      await store.renew(id, user, record.expires + 60_000)
      equal(await store.take({ id, user, token: 't', successor: newId() }), undefined)
      equal((await store.read(id))?.state, 'ended')
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'revoke(): a taken session has no successor, and is not put back',
    async run(store) {
      const { id, user } = await create(store)
      const claim = await newClaim(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      const record = await store.take(replaces)
      ok(record)

      await store.revoke(user)

      equal(await store.create({ id: claim.id, user, claim, record, max: 10, replaces }), false)
      equal(await store.putBack(replaces), 'over')
      equal((await store.read(id))?.state, 'ended')
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'revoke(): it finds a session that was put back, also after another login',
    async run(store) {
      const { id, user } = await create(store)
      const taking = { id, user, token: 't', successor: newId() }
      await store.take(taking)
      const other = await create(store, { user })
      equal(await store.putBack(taking), 'back')
      equal((await store.list(user)).length, 2)

      await store.revoke(user)

      equal((await store.read(id))?.state, 'ended')
      equal((await store.read(other.id))?.state, 'ended')
    },
  },
]
