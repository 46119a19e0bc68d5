/** The session of a guest becomes that of a user. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from 'node:assert'
import type { StoreCase } from '../store-case.js'
import { create, newClaim, newId, newRecord, ok, recordLasting } from './support.js'

export const guests: readonly StoreCase[] = [
  {
    name: 'create(): the session of a guest becomes that of a user',
    async run(store) {
      const user = newId()
      const guest = await create(store, { record: newRecord({ user: null, data: { cart: [1] } }) })
      const claim = await newClaim(store, newId())
      const id = newId()
      const replaces = { id: guest.id, user: guest.user, token: 't', successor: id }
      const taken = await store.take(replaces)

      const record = newRecord({ data: taken?.data ?? {} })
      ok(await store.create({ id, user, claim, record, max: 1, replaces }))
      await store.confirm(replaces)

      deepEqual(await store.read(id), { state: 'session', record })
      equal((await store.read(guest.id))?.state, 'ended')
      deepEqual(await store.list(guest.user), [])
    },
  },
  {
    name: 'putBack(): a guest is put back when the user’s session was ended or revoked before it was created',
    async run(store) {
      for (const how of ['made room', 'revoked', 'ended late'] as const) {
        const user = newId()
        const guest = await create(store, { record: newRecord({ user: null, data: { cart: [1] } }) })
        const claim = await newClaim(store, newId())
        const id = newId()
        const replaces = { id: guest.id, user: guest.user, token: 't', successor: id }
        ok(await store.take(replaces))
        if (how === 'made room') await store.end(id, user)
        if (how === 'revoked') await store.revoke(user)
        if (how !== 'ended late') {
          equal(await store.create({ id, user, claim, record: newRecord(), max: 1, replaces }), false)
        }

        equal(await store.putBack(replaces), 'back', how)
        if (how === 'ended late') await store.end(id, user)

        deepEqual(await store.read(guest.id), { state: 'session', record: guest.record }, how)
        equal(await store.create({ id, user, claim, record: newRecord(), max: 1, replaces }), false, how)
      }
    },
  },
  {
    name: 'putBack(): with endSuccessorOf, a guest is put back, and the user has no session more than before',
    async run(store) {
      const user = newId()
      const mine = await create(store, { user, record: recordLasting(40_000), max: 2 })
      const guest = await create(store, { record: newRecord({ user: null, data: { cart: [1] } }) })
      const claim = await newClaim(store, newId())
      const id = newId()
      const replaces = { id: guest.id, user: guest.user, token: 't', successor: id }
      ok(await store.take(replaces))
      ok(await store.create({ id, user, claim, record: newRecord(), max: 2, replaces }))

      equal(await store.putBack(replaces, { endSuccessorOf: user }), 'back')

      deepEqual(await store.read(guest.id), { state: 'session', record: guest.record })
      equal((await store.read(id))?.state, 'ended')
      await create(store, { user, record: recordLasting(70_000), max: 2 })
      equal((await store.read(mine.id))?.state, 'session')
      await store.revoke(user)
      equal((await store.read(guest.id))?.state, 'session')
    },
  },
]
