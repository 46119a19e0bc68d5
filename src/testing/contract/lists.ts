/** A user has a list of sessions, and a maximum. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreCase } from '../store-case.js'
import { create, newClaim, newId, newRecord, recordLasting } from './support.js'

export const lists: readonly StoreCase[] = [
  {
    name: 'list(): the newest sessions first, ten at most',
    async run(store) {
      const user = newId()
      const start = Date.now()
      for (let n = 1; n <= 12; n++) {
        const times = { created: start + 10 * n, expires: start + 60_000 + 1000 * n }
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
    name: 'list(): expired sessions are not listed, and do not count',
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
    name: 'end(): ended sessions are not listed, and do not count',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, record: recordLasting(60_000), max: 2 })
      for (let n = 0; n < 3; n++) {
        const { id } = await create(store, { user, record: recordLasting(70_000), max: 2 })
        await store.end(id, user)
      }

      deepEqual(await store.list(user), [{ id: kept.id, record: kept.record }])
      await create(store, { user, max: 2 })

      equal((await store.read(kept.id))?.state, 'session')
    },
  },
  {
    name: 'list(): the sessions of one user are not listed with those of another',
    async run(store) {
      const [mine, other] = [await create(store), await create(store)]

      deepEqual(await store.list(mine.user), [{ id: mine.id, record: mine.record }])
      deepEqual(await store.list(other.user), [{ id: other.id, record: other.record }])
      deepEqual(await store.list(newId()), [])
    },
  },
  {
    name: 'create(): the session that would end first makes room for a new one',
    async run(store) {
      const user = newId()
      const first = await create(store, { user, record: recordLasting(60_000), max: 2 })
      const second = await create(store, { user, record: recordLasting(60_100), max: 2 })

      const third = await create(store, { user, max: 2 })

      equal((await store.read(first.id))?.state, 'ended')
      equal((await store.read(second.id))?.state, 'session')
      equal((await store.read(third.id))?.state, 'session')
    },
  },
  {
    name: 'create(): a renewed session does not make room before one that ends earlier',
    async run(store) {
      const user = newId()
      const first = await create(store, { user, record: recordLasting(60_000), max: 2 })
      const second = await create(store, { user, record: recordLasting(60_100), max: 2 })
      await store.renew(first.id, user, first.record.expires + 60_000)

      await create(store, { user, max: 2 })

      equal((await store.read(second.id))?.state, 'ended')
      equal((await store.read(first.id))?.state, 'session')
    },
  },
  {
    name: 'create(): sessions that began within a minute make no room, up to a maximum of their own',
    async run(store) {
      const user = newId()
      const limits = { user, max: 2, maxYoung: 4 }
      const old = await create(store, { ...limits, record: recordLasting(100_000) })
      const young = []
      for (let n = 0; n < 4; n++)
        young.push(await create(store, { ...limits, record: recordLasting(200_000 + n) }))

      equal((await store.read(old.id))?.state, 'ended')
      for (const each of young) equal((await store.read(each.id))?.state, 'session')

      const fifth = await create(store, { ...limits, record: recordLasting(200_010) })
      equal((await store.read(young[0]?.id ?? ''))?.state, 'ended')
      equal((await store.read(fifth.id))?.state, 'session')

      // Later, none of them is young.
      const last = await create(store, { ...limits, record: recordLasting(300_000) })
      deepEqual(
        (await store.list(user)).map(({ id }) => id),
        [last.id, fifth.id],
      )
    },
  },
  {
    name: 'create(): with room for one, 20 parallel logins leave exactly one session',
    async run(store) {
      const user = newId()
      const claims = await Promise.all(Array.from({ length: 20 }, () => newClaim(store, newId())))

      await Promise.all(
        claims.map((claim) => store.create({ id: claim.id, user, claim, record: newRecord(), max: 1 })),
      )

      const entries = await Promise.all(claims.map(({ id }) => store.read(id)))
      equal(entries.filter((entry) => entry?.state === 'session').length, 1)
      equal((await store.list(user)).length, 1)
    },
  },
  {
    name: 'create(): for a login that fails, no session makes room',
    async run(store) {
      const user = newId()
      const kept = await create(store, { user, max: 2 })
      for (let n = 0; n < 3; n++) {
        const claim = await newClaim(store, newId())
        await store.refuse(claim, { status: 401 }, 60_000)
        equal(await store.create({ id: claim.id, user, claim, record: newRecord(), max: 2 }), false)
      }

      await create(store, { user, max: 2 })

      equal((await store.read(kept.id))?.state, 'session')
    },
  },
]
