/** Sessions are created, read, changed, renewed and ended. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreCase } from '../store-case.js'
import { create, inTime, newId, newRecord } from './support.js'

export const sessions: readonly StoreCase[] = [
  {
    name: 'read(): an id that nobody has used is not found',
    async run(store) {
      equal(await store.read(newId()), undefined)
    },
  },
  {
    name: 'create(): a session is read as it was written',
    async run(store) {
      const record = newRecord({ data: { list: [], text: '小明😀', nested: { none: null } } })
      const { id } = await create(store, { record })

      deepEqual(await store.read(id), { state: 'session', record })
    },
  },
  {
    name: 'read(): a session has ended at its expiry, and its code cannot be claimed again',
    async run(store) {
      const { id } = await create(store, { record: newRecord({ expires: Date.now() + 300 }) })

      await sleep(450)

      equal((await store.read(id))?.state, 'ended')
      deepEqual(await store.claim(id), { state: 'ended' })
    },
  },
  {
    name: 'update(): it is saved over the revision that it was made from',
    async run(store) {
      const { id, record } = await create(store)

      equal(await store.update(id, { ...record, data: { n: 1 } }), 'saved')

      deepEqual(await store.read(id), { state: 'session', record: { ...record, data: { n: 1 }, rev: 1 } })
    },
  },
  {
    name: 'update(): one from an older revision changes nothing, and is told the newer one',
    async run(store) {
      const { id, record } = await create(store)
      await store.update(id, { ...record, data: { n: 1 } })

      const late = await store.update(id, { ...record, data: { n: 2 } })

      const saved = { ...record, data: { n: 1 }, rev: 1 }
      deepEqual(late, { met: saved })
      deepEqual(await store.read(id), { state: 'session', record: saved })
    },
  },
  {
    name: 'update(): of 20 parallel updates of one revision exactly one is saved',
    async run(store) {
      const { id, record } = await create(store)

      const updates = Array.from({ length: 20 }, (_, n) => store.update(id, { ...record, data: { n } }))
      const results = await Promise.all(updates)

      equal(results.filter((result) => result === 'saved').length, 1)
      equal(results.filter((result) => typeof result === 'object').length, 19)
    },
  },
  {
    name: 'update(): the expiry stays as it is stored',
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
    name: 'update() and renew(): a record that was read before stays as it was',
    async run(store) {
      const { id, user, record } = await create(store, { record: newRecord({ data: { n: 1 } }) })
      const read = await store.read(id)
      const copy = structuredClone(read)
      const listed = await store.list(user)

      await store.update(id, { ...record, data: { n: 2 } })
      await store.renew(id, user, record.expires + 60_000)

      deepEqual(read, copy)
      deepEqual(listed, [{ id, record }])
    },
  },
  {
    name: 'end(): an ended session stays ended, whatever is called afterwards',
    async run(store) {
      const { id, user, claim, record } = await create(store)

      await store.end(id, user)

      equal((await store.read(id))?.state, 'ended')
      equal(await store.update(id, { ...record, data: { n: 1 } }), 'ended')
      await store.renew(id, user, record.expires + 60_000)
      equal(await store.create({ id, user, claim, record, max: 10 }), false)
      equal((await store.claim(id)).state, 'ended')
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'renew(): an expired session is not renewed',
    async run(store) {
      const { id, user } = await create(store, { record: newRecord({ expires: Date.now() + 200 }) })

      await sleep(300)
      await store.renew(id, user, Date.now() + 60_000)

      equal((await store.read(id))?.state, 'ended')
    },
  },
  {
    name: 'renew(): a session gets longer, never shorter, and keeps its revision',
    async run(store) {
      // The first call connects, which may take longer than the session lives.
      await store.read(newId())
      await inTime(async (life) => {
        const user = newId()
        const record = newRecord({ expires: Date.now() + 2 * life })
        const { id } = await create(store, { user, record })
        const expires = Date.now() + 60_000

        await store.renew(id, user, expires)
        if (Date.now() >= record.expires) return false
        await store.renew(id, user, Date.now() + 2.1 * life)
        await sleep(2.3 * life)

        deepEqual(await store.read(id), { state: 'session', record: { ...record, expires } })
        // A revocation still finds the renewed session after another login.
        await create(store, { user })
        await store.revoke(user)
        equal((await store.read(id))?.state, 'ended')
        return true
      })
    },
  },
  {
    name: 'renew(): an id that nobody has used stays unused',
    async run(store) {
      const [id, user] = [newId(), newId()]

      await store.renew(id, user, Date.now() + 60_000)

      equal(await store.read(id), undefined)
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'end(): it returns whether anything stood under the id',
    async run(store) {
      const { id, user } = await create(store)

      equal(await store.end(id, user), true)
      equal(await store.end(id, user), true)
      equal(await store.end(newId(), newId()), false)
    },
  },
  {
    name: 'end() and revoke(): they may be called twice, and at the same time',
    async run(store) {
      const { id, user } = await create(store)

      await Promise.all([store.end(id, user), store.end(id, user), store.revoke(user), store.revoke(user)])

      equal((await store.read(id))?.state, 'ended')
    },
  },
]
