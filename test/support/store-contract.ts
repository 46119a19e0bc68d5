import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext, TestFn } from 'ava'
import type { Claim, SessionRecord, SessionStore } from '../../src/store.js'

/** What every store promises (src/store.ts), as tests: the same for all of them. */
export function testStore(test: TestFn, makeStore: (t: ExecutionContext) => Promise<SessionStore>): void {
  test('contract: an id that nobody used is not found', async (t) => {
    const store = await makeStore(t)

    t.is(await store.read(newId()), undefined)
  })

  test('contract: a created session is read as it was written', async (t) => {
    const store = await makeStore(t)
    const record = newRecord({ data: { list: [], text: '小明😀', nested: { none: null } } })
    const { id } = await create(store, { record })

    t.deepEqual(await store.read(id), { state: 'session', record })
  })

  test('contract: a session ends at its expiry, and its code stays spent', async (t) => {
    const store = await makeStore(t)
    const { id } = await create(store, { record: newRecord({ expires: Date.now() + 300 }) })

    await sleep(450)

    t.deepEqual(await store.read(id), { state: 'ended' })
    t.deepEqual(await store.claim(id), { state: 'ended' })
  })

  test('contract: of 20 parallel claims exactly one is granted, and the others see it', async (t) => {
    const store = await makeStore(t)
    const id = newId()

    const claims = await Promise.all(Array.from({ length: 20 }, () => store.claim(id)))

    const states = claims.map(({ state }) => state).sort()
    t.deepEqual(states, [...Array(19).fill('claimed'), 'granted'])
  })

  test('contract: a claim says how old it is, and still stands when it is old', async (t) => {
    const store = await makeStore(t)
    const id = newId()
    await store.claim(id)
    const young = await store.read(id)

    await sleep(300)
    const old = await store.claim(id)

    t.true(young?.state === 'claimed' && young.age >= 0 && young.age < 300, JSON.stringify(young))
    t.true(old.state === 'claimed' && old.age >= 290 && old.age < 2000, JSON.stringify(old))
  })

  test('contract: a refusal takes the place of its claim and is remembered', async (t) => {
    const store = await makeStore(t)
    const id = newId()
    const claim = await claimed(store, id)
    const refusal = { status: 401, errcode: 40029 }

    await store.refuse(claim, refusal)

    t.deepEqual(await store.read(id), { state: 'refused', refusal })
    t.deepEqual(await store.claim(id), { state: 'refused', refusal })
  })

  test('contract: a refusal that comes late does not replace a session', async (t) => {
    const store = await makeStore(t)
    const { id, claim, record } = await create(store)

    await store.refuse(claim, { status: 401 })

    t.deepEqual(await store.read(id), { state: 'session', record })
  })

  test('contract: a session is created once, and only over its own claim', async (t) => {
    const store = await makeStore(t)
    const { id, user, claim, record } = await create(store)
    const other = newRecord({ user: { openId: 'o-somebody-else' } })

    t.false(await store.create({ id, user, claim, record: other, max: 10 }))
    t.deepEqual(await store.read(id), { state: 'session', record })
  })

  test('contract: an id that is not its code is created once, and uses its claim up', async (t) => {
    const store = await makeStore(t)
    const claim = await claimed(store, newId())
    const [id, user, record] = [newId(), newId(), newRecord()]

    t.true(await store.create({ id, user, claim, record, max: 10 }))
    t.false(await store.create({ id, user, claim, record: newRecord(), max: 10 }))

    t.deepEqual(await store.read(id), { state: 'session', record })
    t.is((await store.read(claim.id))?.state, 'used')
  })

  test('contract: an update is taken over the revision it was made from', async (t) => {
    const store = await makeStore(t)
    const { id, record } = await create(store)

    t.is(await store.update(id, { ...record, data: { n: 1 } }), 'saved')

    t.deepEqual(await store.read(id), { state: 'session', record: { ...record, data: { n: 1 }, rev: 1 } })
  })

  test('contract: of 20 parallel updates of one revision exactly one is saved', async (t) => {
    const store = await makeStore(t)
    const { id, record } = await create(store)

    const updates = Array.from({ length: 20 }, (_, n) => store.update(id, { ...record, data: { n } }))
    const results = await Promise.all(updates)

    t.is(results.filter((result) => result === 'saved').length, 1)
    t.is(results.filter((result) => result === 'conflict').length, 19)
  })

  test('contract: an update leaves the expiry as it is stored', async (t) => {
    const store = await makeStore(t)
    const { id, user, record } = await create(store)
    const expires = record.expires + 60_000
    await store.renew(id, user, expires)

    await store.update(id, { ...record, expires: record.expires - 1000 })

    const entry = await store.read(id)
    t.is(entry?.state === 'session' && entry.record.expires, expires)
  })

  test('contract: an ended session stays ended, whatever writes to it', async (t) => {
    const store = await makeStore(t)
    const { id, user, claim, record } = await create(store)

    await store.end(id, user)

    t.deepEqual(await store.read(id), { state: 'ended' })
    t.is(await store.update(id, { ...record, data: { n: 1 } }), 'ended')
    await store.renew(id, user, record.expires + 60_000)
    t.false(await store.create({ id, user, claim, record, max: 10 }))
    t.is((await store.claim(id)).state, 'ended')
    t.deepEqual(await store.list(user), [])
  })

  test('contract: a session ends at the revision that is named, and at no other', async (t) => {
    const store = await makeStore(t)
    const { id, user, record } = await create(store)
    await store.update(id, { ...record, data: { n: 1 } })

    t.false(await store.end(id, user, 0))
    t.is((await store.read(id))?.state, 'session')
    t.true(await store.end(id, user, 1))

    t.deepEqual(await store.read(id), { state: 'ended' })
    t.false(await store.end(id, user))
    t.false(await store.end(id, user, 1))
  })

  test('contract: a session that is over is not renewed', async (t) => {
    const store = await makeStore(t)
    const { id, user } = await create(store, { record: newRecord({ expires: Date.now() + 200 }) })

    await sleep(300)
    await store.renew(id, user, Date.now() + 60_000)

    t.deepEqual(await store.read(id), { state: 'ended' })
  })

  test('contract: renewing makes a session longer, never shorter, and is no revision', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    // Its first call may take as long as the session lives: it connects.
    await store.read(newId())
    const { id, record } = await create(store, { user, record: newRecord({ expires: Date.now() + 1000 }) })
    const expires = Date.now() + 60_000

    await store.renew(id, user, expires)
    await store.renew(id, user, Date.now() + 1100)
    await sleep(1300)

    t.deepEqual(await store.read(id), { state: 'session', record: { ...record, expires } })
    // Nor does it take the session out of sight of a revocation, however many logins come between.
    await create(store, { user })
    await store.revoke(user)
    t.deepEqual(await store.read(id), { state: 'ended' })
  })

  test('contract: renewing what is not there makes nothing', async (t) => {
    const store = await makeStore(t)
    const [id, user] = [newId(), newId()]

    await store.renew(id, user, Date.now() + 60_000)

    t.is(await store.read(id), undefined)
    t.deepEqual(await store.list(user), [])
  })

  test("contract: a user's sessions are listed, the newest first, ten at most", async (t) => {
    const store = await makeStore(t)
    const user = newId()
    for (let n = 1; n <= 12; n++) await create(store, { user, record: newRecord({ data: { n } }), max: 20 })

    const list = await store.list(user)

    t.deepEqual(
      list.map(({ record }) => record.data.n),
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3],
    )
  })

  test('contract: expired sessions are not listed and do not take a place', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const kept = await create(store, { user, max: 2 })
    await create(store, { user, record: newRecord({ expires: Date.now() + 100 }), max: 2 })
    await sleep(200)

    await create(store, { user, max: 2 })

    t.is((await store.list(user)).length, 2)
    t.is((await store.read(kept.id))?.state, 'session')
  })

  test('contract: the oldest session makes room for a new one', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const first = await create(store, { user, max: 2 })
    const second = await create(store, { user, max: 2 })

    const third = await create(store, { user, max: 2 })

    t.deepEqual(await store.read(first.id), { state: 'ended' })
    t.is((await store.read(second.id))?.state, 'session')
    t.is((await store.read(third.id))?.state, 'session')
  })

  test('contract: with room for one, 20 parallel logins leave exactly one session', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimed(store, newId())))

    await Promise.all(
      claims.map((claim) => store.create({ id: claim.id, user, claim, record: newRecord(), max: 1 })),
    )

    const entries = await Promise.all(claims.map(({ id }) => store.read(id)))
    t.is(entries.filter((entry) => entry?.state === 'session').length, 1)
    t.is((await store.list(user)).length, 1)
  })

  test('contract: a login that fails takes nobody else’s place', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const kept = await create(store, { user, max: 2 })
    for (let n = 0; n < 3; n++) {
      const claim = await claimed(store, newId())
      await store.refuse(claim, { status: 401 })
      t.false(await store.create({ id: claim.id, user, claim, record: newRecord(), max: 2 }))
    }

    await create(store, { user, max: 2 })

    t.is((await store.read(kept.id))?.state, 'session')
  })

  test("contract: a revocation ends all of a user's sessions and nobody else's", async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const mine = [await create(store, { user }), await create(store, { user })]
    const other = await create(store)

    await store.revoke(user)

    for (const { id } of mine) t.deepEqual(await store.read(id), { state: 'ended' })
    t.deepEqual(await store.list(user), [])
    t.is((await store.read(other.id))?.state, 'session')
  })

  test('contract: a login that began before a revocation creates nothing, one that begins after it does', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const before = await claimed(store, newId())
    await store.revoke(user)
    const after = await claimed(store, newId())

    t.false(await store.create({ id: before.id, user, claim: before, record: newRecord(), max: 10 }))
    t.true(await store.create({ id: after.id, user, claim: after, record: newRecord(), max: 10 }))

    t.not((await store.read(before.id))?.state, 'session')
  })

  test('contract: logins in flight and a revocation at once leave no session from before', async (t) => {
    const store = await makeStore(t)
    const user = newId()
    const claims = await Promise.all(Array.from({ length: 20 }, () => claimed(store, newId())))
    const logins = claims.map((claim) =>
      store.create({ id: claim.id, user, claim, record: newRecord(), max: 50 }),
    )

    await store.revoke(user)
    await Promise.all(logins)

    const entries = await Promise.all(claims.map(({ id }) => store.read(id)))
    t.deepEqual(
      entries.filter((entry) => entry?.state === 'session'),
      [],
    )
    t.deepEqual(await store.list(user), [])
  })

  test('contract: everything may be called twice', async (t) => {
    const store = await makeStore(t)
    const { id, user } = await create(store)

    await Promise.all([store.end(id, user), store.end(id, user), store.revoke(user), store.revoke(user)])

    t.deepEqual(await store.read(id), { state: 'ended' })
  })
}

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
    user: { openId: 'o-test' },
    data: {},
    key: 'sealed',
    created: Date.now(),
    expires: Date.now() + 60_000,
    rev: 0,
    ...fields,
  }
}
