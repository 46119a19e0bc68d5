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
import type { Claim, SessionRecord, SessionStore, Taking } from '../stores/store.js'

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
    name: 'the end of what nobody knows is not said to have happened',
    async run(store) {
      const { id, user } = await create(store)

      equal(await store.end(id, user), true)
      equal(await store.end(id, user), true)
      equal(await store.end(newId(), newId()), false)
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
    name: 'of 20 that take a session at once one gets it, and the same again by the same token',
    async run(store) {
      const { id, user, record } = await create(store, { record: newRecord({ data: { n: 1 } }) })
      const takings = Array.from({ length: 20 }, (_, n) => ({ id, user, token: `t${n}`, successor: newId() }))

      const taken = await Promise.all(takings.map((taking) => store.take(taking)))

      const winners = takings.filter((_, n) => taken[n] !== undefined)
      equal(winners.length, 1)
      const { token, successor } = winners[0] as Taking
      deepEqual(await store.take(winners[0] as Taking), record)
      const seen = await store.read(id)
      ok(seen?.state === 'taken' && seen.age >= 0 && seen.age < 1000, JSON.stringify(seen))
      deepEqual({ ...seen, age: 0 }, { state: 'taken', token, successor, record, age: 0 })
    },
  },
  {
    name: 'what is taken is nothing for anybody else',
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
      equal(await store.take({ id: newId(), user, token: 't', successor: newId() }), undefined)
    },
  },
  {
    name: 'a taken session that is put back is as it was',
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
      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
  {
    name: 'the successor takes the place of the taken session, and nobody makes room for it',
    async run(store) {
      const user = newId()
      const other = await create(store, { user, record: lasting(50_000), max: 2 })
      const { old, successor, replaces } = await succeeded(store, user, 2)

      deepEqual(await store.read(old.id), { state: 'ended' })
      equal((await store.read(successor.id))?.state, 'session')
      equal((await store.read(other.id))?.state, 'session')
      equal((await store.list(user)).length, 2)

      // Something was made of it.
      equal(await store.putBack(replaces), 'succeeded')
      deepEqual(await store.read(old.id), { state: 'ended' })
      equal(await store.take(replaces), undefined)
      await store.revoke(user)
      deepEqual(await store.read(successor.id), { state: 'ended' })
    },
  },
  {
    name: 'to end a taken session is to end what it has become, or is about to become',
    async run(store) {
      const user = newId()
      const { old, successor } = await succeeded(store, user, 2)

      ok(await store.end(old.id, user))
      ok(await store.end(old.id, user))

      deepEqual(await store.read(successor.id), { state: 'ended' })

      const { id } = await create(store, { user })
      const claim = await claimed(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      const record = await store.take(replaces)
      ok(record && (await store.end(id, user)))

      equal(await store.create({ id: claim.id, user, claim, record, max: 10, replaces }), false)
      equal(await store.putBack(replaces), 'over')
      deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'a taken session whose user is revoked becomes nothing, and is not put back',
    async run(store) {
      const { id, user } = await create(store)
      const claim = await claimed(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      const record = await store.take(replaces)
      ok(record)

      await store.revoke(user)

      equal(await store.create({ id: claim.id, user, claim, record, max: 10, replaces }), false)
      equal(await store.putBack(replaces), 'over')
      deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'a session that has expired is not taken, and one that expires while it is taken has ended',
    async run(store) {
      // Its first call may take as long as the session lives: it connects.
      await store.read(newId())
      const over = await create(store, { record: newRecord({ expires: Date.now() + 200 }) })
      const soon = await create(store, { record: newRecord({ expires: Date.now() + 1000 }) })
      const taking = ({ id, user }: Created) => ({ id, user, token: 't', successor: newId() })
      ok(await store.take(taking(soon)))

      await sleep(1200)

      equal(await store.take(taking(over)), undefined)
      deepEqual(await store.read(over.id), { state: 'ended' })
      deepEqual(await store.read(soon.id), { state: 'ended' })
    },
  },
  {
    name: 'to end a session ends what it has become, however often it went on',
    async run(store) {
      const user = newId()
      const first = await create(store, { user })
      let last = first
      for (let n = 0; n < 3; n++) last = await successorOf(store, last)
      const claim = await claimed(store, newId())
      const replaces = { id: last.id, user, token: 't', successor: claim.id }
      const record = await store.take(replaces)
      ok(record)

      ok(await store.end(first.id, user))

      deepEqual(await store.read(last.id), { state: 'ended' })
      equal(await store.create({ id: claim.id, user, claim, record, max: 10, replaces }), false)
    },
  },
  {
    name: 'a guest whose login had to make room, or was revoked, before it was there, is put back',
    async run(store) {
      for (const how of ['made room', 'revoked', 'ended late'] as const) {
        const user = newId()
        const guest = await create(store, { record: newRecord({ user: null, data: { cart: [1] } }) })
        const claim = await claimed(store, newId())
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
    name: 'what comes late to a taking that was given up changes nothing',
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
      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
  {
    name: 'a session whose user was revoked is neither updated, renewed nor taken',
    async run(store) {
      const { id, user, record } = await create(store)

      await store.revoke(user)

      equal(await store.update(id, { ...record, data: { n: 1 } }), 'ended')
      await store.renew(id, user, record.expires + 60_000)
      equal(await store.take({ id, user, token: 't', successor: newId() }), undefined)
      deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'a session that was put back is found by a revocation, whatever logged in meanwhile',
    async run(store) {
      const { id, user } = await create(store)
      const taking = { id, user, token: 't', successor: newId() }
      await store.take(taking)
      const other = await create(store, { user })
      equal(await store.putBack(taking), 'back')
      equal((await store.list(user)).length, 2)

      await store.revoke(user)

      deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.read(other.id), { state: 'ended' })
    },
  },
  {
    name: 'of a taking that was given up nothing can be made, and to end what it was to become ends the session',
    async run(store) {
      for (const isClaimed of [true, false]) {
        const user = newId()
        const { id } = await create(store, { user })
        const claim = await claimed(store, newId())
        const successor = isClaimed ? claim.id : newId()
        const replaces = { id, user, token: 't', successor }
        const record = await store.take(replaces)
        ok(record)

        equal(await store.putBack(replaces), 'back')
        equal(await store.create({ id: successor, user, claim, record, max: 10, replaces }), false)
        equal((await store.read(id))?.state, 'session')
        equal((await store.list(user)).length, 1)

        // As who makes room does, and has seen the successor on the list.
        await store.end(successor, user)
        deepEqual(await store.read(id), { state: 'ended' })
        await store.end(id, user)
        deepEqual(await store.list(user), [])
      }
    },
  },
  {
    name: 'a taken session whose successor somebody has ended is not put back',
    async run(store) {
      const { id, user } = await create(store)
      const claim = await claimed(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      await store.take(replaces)

      await store.end(claim.id, user)

      equal(await store.putBack(replaces), 'over')
      deepEqual(await store.read(id), { state: 'ended' })
      deepEqual(await store.list(user), [])
    },
  },
  {
    name: 'a successor that was refused leaves the taken session to be put back',
    async run(store) {
      const user = newId()
      const { id, record } = await create(store, { user, max: 1 })
      const claim = await claimed(store, newId())
      const replaces = { id, user, token: 't', successor: claim.id }
      await store.take(replaces)
      await store.refuse(claim, { status: 401 }, 60_000)

      equal(await store.create({ id: claim.id, user, claim, record, max: 1, replaces }), false)
      await store.putBack(replaces)

      deepEqual(await store.list(user), [{ id, record }])
      await create(store, { user, max: 1 })
      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
  {
    name: 'a guest’s session becomes that of a user',
    async run(store) {
      const user = newId()
      const guest = await create(store, { record: newRecord({ user: null, data: { cart: [1] } }) })
      const claim = await claimed(store, newId())
      const id = newId()
      const replaces = { id: guest.id, user: guest.user, token: 't', successor: id }
      const taken = await store.take(replaces)

      const record = newRecord({ data: taken?.data ?? {} })
      ok(await store.create({ id, user, claim, record, max: 1, replaces }))
      await store.confirm(replaces)

      deepEqual(await store.read(id), { state: 'session', record })
      deepEqual(await store.read(guest.id), { state: 'ended' })
      deepEqual(await store.list(guest.user), [])
    },
  },
  {
    name: 'a session is taken until its successor is confirmed, and counts no more',
    async run(store) {
      const user = newId()
      const other = await create(store, { user, record: lasting(70_000), max: 2 })
      const { id, replaces } = await unconfirmed(store, await create(store, { user, max: 2 }))
      equal((await store.read(replaces.id))?.state, 'taken')
      await store.confirm({ ...replaces, token: 'another' })
      equal((await store.read(replaces.id))?.state, 'taken')

      // Of two there is room for one: the other two are one.
      await create(store, { user, record: lasting(80_000), max: 3 })
      equal((await store.read(id))?.state, 'session')
      equal((await store.read(other.id))?.state, 'session')
      await store.confirm(replaces)
      await store.confirm(replaces)

      deepEqual(await store.read(replaces.id), { state: 'ended' })
      equal((await store.list(user)).length, 3)
      ok(await store.end(replaces.id, user))
      deepEqual(await store.read(id), { state: 'ended' })
    },
  },
  {
    name: 'a successor that nobody was told of ends with its taking, and the session is as it was',
    async run(store) {
      const user = newId()
      const old = await create(store, { user, record: newRecord({ data: { n: 1 } }) })
      const { id, claim, record, replaces } = await unconfirmed(store, old)

      equal(await store.putBack(replaces, { endSuccessorOf: user }), 'back')
      equal(await store.putBack(replaces, { endSuccessorOf: user }), 'back')

      deepEqual(await store.read(id), { state: 'ended' })
      equal(await store.create({ id, user, claim, record, max: 10, replaces }), false)
      deepEqual(await store.read(old.id), { state: 'session', record: old.record })
      deepEqual(await store.list(user), [{ id: old.id, record: old.record }])
      await create(store, { user, record: lasting(70_000), max: 1 })
      deepEqual(await store.read(old.id), { state: 'ended' })
    },
  },
  {
    name: 'a guest is put back whose login nobody was told of, and that user has no session more',
    async run(store) {
      const user = newId()
      const mine = await create(store, { user, record: lasting(40_000), max: 2 })
      const guest = await create(store, { record: newRecord({ user: null, data: { cart: [1] } }) })
      const claim = await claimed(store, newId())
      const id = newId()
      const replaces = { id: guest.id, user: guest.user, token: 't', successor: id }
      ok(await store.take(replaces))
      ok(await store.create({ id, user, claim, record: newRecord(), max: 2, replaces }))

      equal(await store.putBack(replaces, { endSuccessorOf: user }), 'back')

      deepEqual(await store.read(guest.id), { state: 'session', record: guest.record })
      deepEqual(await store.read(id), { state: 'ended' })
      await create(store, { user, record: lasting(70_000), max: 2 })
      equal((await store.read(mine.id))?.state, 'session')
      await store.revoke(user)
      equal((await store.read(guest.id))?.state, 'session')
    },
  },
  {
    name: 'a successor that went on, or was put back, was there: what was taken for it has ended',
    async run(store) {
      for (const how of ['is taken', 'went on', 'was put back'] as const) {
        const user = newId()
        const first = await unconfirmed(store, await create(store, { user }))
        const second = { id: first.id, user, token: newId(), successor: newId() }
        if (how === 'went on') await successorOf(store, first)
        else ok(await store.take(second))
        if (how === 'was put back') equal(await store.putBack(second), 'back')

        equal(await store.putBack(first.replaces), 'succeeded', how)
        deepEqual(await store.read(first.replaces.id), { state: 'ended' }, how)
        if (how === 'is taken') equal(await store.putBack(second), 'back')

        equal((await store.list(user)).length, 1, how)
        ok(await store.end(first.replaces.id, user))
        deepEqual(await store.list(user), [], how)
      }
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
        await store.refuse(claim, { status: 401 }, 60_000)
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

/** A session that was made of another. */
async function succeeded(
  store: SessionStore,
  user: string,
  max: number,
): Promise<{ old: Created; successor: Created; replaces: Taking }> {
  const old = await create(store, { user, max })
  const successor = await successorOf(store, old, max)
  return { old, successor, replaces: successor.replaces }
}

async function successorOf(
  store: SessionStore,
  old: Created,
  max = 10,
): Promise<Created & { replaces: Taking }> {
  const successor = await unconfirmed(store, old, max)
  await store.confirm(successor.replaces)
  return successor
}

/** A session that was made of another, by who has told nobody yet. */
async function unconfirmed(
  store: SessionStore,
  { id: old, user }: Created,
  max = 10,
): Promise<Created & { replaces: Taking }> {
  const claim = await claimed(store, newId())
  const { id } = claim
  const replaces = { id: old, user, token: newId(), successor: id }
  const record = await store.take(replaces)
  if (!record || !(await store.create({ id, user, claim, record, max, replaces }))) {
    throw new Error('the session was not replaced')
  }
  return { id, user, claim, record, replaces }
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
