/** A taken session becomes its successor. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from 'node:assert'
import type { StoreCase } from '../store-case.js'
import {
  create,
  createSuccessor,
  createUnconfirmed,
  newClaim,
  newId,
  newRecord,
  ok,
  recordLasting,
  replaced,
} from './support.js'

export const successors: readonly StoreCase[] = [
  {
    name: 'confirm(): the successor replaces the taken session, and no other session makes room for it',
    async run(store) {
      const user = newId()
      const other = await create(store, { user, record: recordLasting(50_000), max: 2 })
      const { old, successor, replaces } = await replaced(store, user, 2)

      deepEqual(await store.read(old.id), { state: 'ended', successor: successor.id })
      equal((await store.read(successor.id))?.state, 'session')
      equal((await store.read(other.id))?.state, 'session')
      equal((await store.list(user)).length, 2)

      equal(await store.putBack(replaces), 'succeeded')
      equal((await store.read(old.id))?.state, 'ended')
      equal(await store.take(replaces), undefined)
      await store.revoke(user)
      equal((await store.read(successor.id))?.state, 'ended')
    },
  },
  {
    name: 'confirm(): the session is taken until then, and does not count beside its successor',
    async run(store) {
      const user = newId()
      const other = await create(store, { user, record: recordLasting(70_000), max: 2 })
      const { id, replaces } = await createUnconfirmed(store, await create(store, { user, max: 2 }))
      equal((await store.read(replaces.id))?.state, 'taken')
      await store.confirm({ ...replaces, token: 'another' })
      equal((await store.read(replaces.id))?.state, 'taken')

      // There is room for three: the taken session and its successor count as one.
      await create(store, { user, record: recordLasting(80_000), max: 3 })
      equal((await store.read(id))?.state, 'session')
      equal((await store.read(other.id))?.state, 'session')
      await store.confirm(replaces)
      await store.confirm(replaces)

      equal((await store.read(replaces.id))?.state, 'ended')
      equal((await store.list(user)).length, 3)
      ok(await store.end(replaces.id, user))
      equal((await store.read(id))?.state, 'ended')
    },
  },
  {
    name: 'end(): ending a taken session ends its successor, before and after that is created',
    async run(store) {
      const user = newId()
      const { old, successor } = await replaced(store, user, 2)

      ok(await store.end(old.id, user))
      ok(await store.end(old.id, user))

      equal((await store.read(successor.id))?.state, 'ended')

      const { id } = await create(store, { user })
      const claim = await newClaim(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      const record = await store.take(replaces)
      ok(record && (await store.end(id, user)))

      equal(await store.create({ id: claim.id, user, claim, record, max: 10, replaces }), false)
      equal(await store.putBack(replaces), 'over')
      equal((await store.read(id))?.state, 'ended')
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'end(): ending a session ends all its successors',
    async run(store) {
      const user = newId()
      const first = await create(store, { user })
      let last = first
      for (let n = 0; n < 3; n++) last = await createSuccessor(store, last)
      const claim = await newClaim(store, newId())
      const replaces = { id: last.id, user, token: 't', successor: claim.id }
      const record = await store.take(replaces)
      ok(record)

      ok(await store.end(first.id, user))

      equal((await store.read(last.id))?.state, 'ended')
      equal(await store.create({ id: claim.id, user, claim, record, max: 10, replaces }), false)
    },
  },
  {
    name: 'putBack(): with endSuccessorOf, a created successor ends, and the session is as it was',
    async run(store) {
      const user = newId()
      const old = await create(store, { user, record: newRecord({ data: { n: 1 } }) })
      const { id, claim, record, replaces } = await createUnconfirmed(store, old)

      equal(await store.putBack(replaces, { endSuccessorOf: user }), 'back')
      equal(await store.putBack(replaces, { endSuccessorOf: user }), 'back')

      equal((await store.read(id))?.state, 'ended')
      equal(await store.create({ id, user, claim, record, max: 10, replaces }), false)
      deepEqual(await store.read(old.id), { state: 'session', record: old.record })
      deepEqual(await store.list(user), [{ id: old.id, record: old.record }])
      await create(store, { user, record: recordLasting(70_000), max: 1 })
      equal((await store.read(old.id))?.state, 'ended')
    },
  },
  {
    name: 'putBack(): it succeeded when the successor was taken, replaced or put back since',
    async run(store) {
      for (const how of ['is taken', 'went on', 'was put back'] as const) {
        const user = newId()
        const first = await createUnconfirmed(store, await create(store, { user }))
        const second = { id: first.id, user, token: newId(), successor: newId() }
        if (how === 'went on') await createSuccessor(store, first)
        else ok(await store.take(second))
        if (how === 'was put back') equal(await store.putBack(second), 'back')

        equal(await store.putBack(first.replaces), 'succeeded', how)
        equal((await store.read(first.replaces.id))?.state, 'ended', how)
        if (how === 'is taken') equal(await store.putBack(second), 'back')

        equal((await store.list(user)).length, 1, how)
        ok(await store.end(first.replaces.id, user))
        deepEqual(await store.list(user), [], how)
      }
    },
  },
]
