/** A session is taken, so that another can be made of it, or put back. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Taking } from '../../stores/store.js'
import type { StoreCase } from '../store-case.js'
import { type Created, create, createUnconfirmed, inTime, newClaim, newId, newRecord, ok } from './support.js'

export const takings: readonly StoreCase[] = [
  {
    name: 'take(): of 20 parallel calls one gets the session, and its token gets it again',
    async run(store) {
      const { id, user, record } = await create(store, { record: newRecord({ data: { n: 1 } }) })
      const takings = Array.from({ length: 20 }, (_, n) => ({ id, user, token: `t${n}`, successor: newId() }))

      const began = performance.now()
      const taken = await Promise.all(takings.map((taking) => store.take(taking)))

      const winners = takings.filter((_, n) => taken[n] !== undefined)
      equal(winners.length, 1)
      const { token, successor } = winners[0] as Taking
      deepEqual(await store.take(winners[0] as Taking), record)
      const seen = await store.read(id)
      // A store may count whole seconds.
      const oldest = performance.now() - began + 1000
      ok(seen?.state === 'taken' && seen.age >= 0 && seen.age < oldest, JSON.stringify(seen))
      deepEqual({ ...seen, age: 0 }, { state: 'taken', token, successor, record, age: 0 })
    },
  },
  {
    name: 'take(): a taken session is not updated, renewed, created, claimed, listed or taken by others',
    async run(store) {
      const { id, user, record, claim } = await create(store)
      ok(await store.take({ id, user, token: 't', successor: newId() }))

      equal(await store.update(id, { ...record, data: { n: 1 } }), 'ended')
      await store.renew(id, user, record.expires + 60_000)
      const seen = await store.read(id)
      equal(seen?.state === 'taken' && seen.record.expires, record.expires)
      equal(await store.create({ id, user, claim, record, max: 10 }), false)
      equal((await store.claim(id)).state, 'taken')
      deepEqual(await store.list(user), [])
      equal(await store.take({ id, user, token: 'another', successor: newId() }), undefined)
      equal(await store.take({ id: newId(), user, token: 't', successor: newId() }), undefined)
    },
  },
  {
    name: 'putBack(): the session is as it was before take()',
    async run(store) {
      const { id, user, record } = await create(store, { record: newRecord({ data: { n: 1 } }) })
      const taking = { id, user, token: 't', successor: newId() }
      await store.take(taking)

      await store.putBack({ ...taking, token: 'another' })
      equal((await store.read(id))?.state, 'taken')
      equal(await store.putBack(taking), 'back')
      equal(await store.putBack(taking), 'back')

      deepEqual(await store.read(id), { state: 'session', record })
      deepEqual(await store.list(user), [{ id, record }])
      equal(await store.update(id, { ...record, data: { n: 2 } }), 'saved')
      await store.revoke(user)
      equal((await store.read(id))?.state, 'ended')
    },
  },
  {
    name: 'putBack(): a taking that never was ends nothing of what another has made of the session',
    async run(store) {
      for (const user of [newId(), undefined]) {
        for (const how of ['confirmed', 'unconfirmed', 'with a successor that has ended'] as const) {
          const record = newRecord({ user: user === undefined ? null : newRecord().user })
          const old = await create(store, { ...(user !== undefined && { user }), record })
          const { id, replaces } = await createUnconfirmed(store, old)
          const late = { ...replaces, token: 'late', successor: newId() }
          if (how !== 'unconfirmed') await store.confirm(replaces)
          if (how === 'with a successor that has ended') await store.end(late.successor, old.user)
          const before = await store.read(old.id)

          equal(await store.putBack(late), 'over', how)
          equal(await store.putBack(late, { endSuccessorOf: newId() }), 'over', how)

          equal((await store.read(id))?.state, 'session', how)
          equal((await store.read(old.id))?.state, before?.state, how)
          // Nobody revokes a guest.
          if (user === undefined) continue
          await store.revoke(user)
          equal((await store.read(id))?.state, 'ended', how)
          equal(await store.putBack(replaces), 'over', how)
          equal((await store.read(old.id))?.state, 'ended', how)
        }
      }
    },
  },
  {
    name: 'take(): an expired session is not taken, and a taken session that expires has ended',
    async run(store) {
      // The first call connects, which may take longer than the session lives.
      await store.read(newId())
      const taking = ({ id, user }: Created) => ({ id, user, token: 't', successor: newId() })
      await inTime(async (life) => {
        const over = await create(store, { record: newRecord({ expires: Date.now() + life / 2 }) })
        const soon = await create(store, { record: newRecord({ expires: Date.now() + life }) })
        const taken = await store.take(taking(soon))
        if (Date.now() >= soon.record.expires) return false
        ok(taken)

        await sleep(life * 1.2)

        equal(await store.take(taking(over)), undefined)
        equal((await store.read(over.id))?.state, 'ended')
        equal((await store.read(soon.id))?.state, 'ended')
        return true
      })
    },
  },
  {
    name: 'putBack(): a late call of an earlier taking changes nothing',
    async run(store) {
      const { id, user, record } = await create(store)
      const first = { id, user, token: 't1', successor: newId() }
      await store.take(first)
      equal(await store.putBack(first), 'back')
      const second = { id, user, token: 't2', successor: newId() }
      deepEqual(await store.take(second), record)

      await store.putBack(first)
      equal((await store.read(id))?.state, 'taken')
      equal(await store.putBack(second), 'back')
      await store.end(id, user)

      equal(await store.putBack(second), 'over')
      equal((await store.read(id))?.state, 'ended')
    },
  },
  {
    name: 'putBack(): a session whose successor was ended is over',
    async run(store) {
      const { id, user } = await create(store)
      const claim = await newClaim(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      await store.take(replaces)

      await store.end(claim.id, user)

      equal(await store.putBack(replaces), 'over')
      equal((await store.read(id))?.state, 'ended')
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'putBack(): a session whose successor’s claim was refused is put back',
    async run(store) {
      const user = newId()
      const { id, record } = await create(store, { user, max: 1 })
      const claim = await newClaim(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      await store.take(replaces)
      await store.refuse(claim, { status: 401 }, 60_000)

      equal(await store.create({ id: claim.id, user, claim, record, max: 1, replaces }), false)
      await store.putBack(replaces)

      deepEqual(await store.list(user), [{ id, record }])
      await create(store, { user, max: 1 })
      equal((await store.read(id))?.state, 'ended')
    },
  },
  {
    name: 'putBack(): afterwards no successor can be created, and ending the successor ends the session',
    async run(store) {
      for (const isClaimed of [true, false]) {
        const user = newId()
        const { id } = await create(store, { user })
        const claim = await newClaim(store, newId())
        const successor = isClaimed ? claim.id : newId()
        const replaces = { id, user, token: 't', successor }
        const record = await store.take(replaces)
        ok(record)

        equal(await store.putBack(replaces), 'back')
        equal(await store.create({ id: successor, user, claim, record, max: 10, replaces }), false)
        equal((await store.read(id))?.state, 'session')
        equal((await store.list(user)).length, 1)

        // A login that makes room does this, when it has seen the successor on the list.
        await store.end(successor, user)
        equal((await store.read(id))?.state, 'ended')
        await store.end(id, user)
        deepEqual(await store.list(user), [])
      }
    },
  },
]
