import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { install } from '@sinonjs/fake-timers'
import test, { type ExecutionContext } from 'ava'
import type { RedisStore } from 'connect-redis'
import session from 'express-session'
import { fromExpressStore } from '../src/stores/express/store.js'
import type { ExpressStore } from '../src/stores/express/types.js'
import { keyedMutex } from '../src/stores/key-value/mutex.js'
import type { Claim, SessionRecord, SessionStore } from '../src/stores/store.js'
import { connectRedis } from './support/connect-redis.js'
import { useRedis } from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { stopwatch } from './support/stopwatch.js'
import { until } from './support/until.js'
import { codeLoginHeaders } from './support/wechat.js'

const redis = useRedis(test)

/** The machine is busy with other tests; those of this file go one by one, because some look at the clock. */
const PATIENT = { timeout: 20_000 }

const STORES: Record<string, (t: ExecutionContext) => Promise<ExpressStore>> = {
  MemoryStore: async () => new session.MemoryStore(),
  'connect-redis': (t) => connectRedis(t, redis()),
}

for (const [name, makeStore] of Object.entries(STORES)) {
  test.serial(
    `fromExpressStore(), ${name}: parallel first requests share one exchange, parallel changes of other keys are kept`,
    async (t) => {
      const store = fromExpressStore(await makeStore(t), PATIENT)
      const server = await startServer(t, {
        store,
        async handler(ctx) {
          if (ctx.$wxSession && ctx.query.n) ctx.$wxSession.data[`n${ctx.query.n}`] = true
          await sleep(50)
          ctx.body = ctx.$wxSession?.data
        },
      })
      const headers = await codeLoginHeaders(server.wechat.phone())

      const logins = await Promise.all(Array.from({ length: 20 }, () => server.send(headers)))
      const changes = await Promise.all([1, 2, 3, 4, 5].map((n) => server.send(headers, `/?n=${n}`)))

      t.true(logins.every(({ status }) => status === 200))
      t.is(server.wechat.exchanges, 1)
      t.true(changes.every(({ status }) => status === 200))
      const kept = [1, 2, 3, 4, 5].map((n) => [`n${n}`, true])
      t.deepEqual((await server.send(headers)).body, Object.fromEntries(kept))
    },
  )

  test.serial(
    `fromExpressStore(), ${name}: two servers on one store know each other's sessions, ends and revocations`,
    async (t) => {
      const shared = await makeStore(t)
      const one = fromExpressStore(shared, PATIENT)
      const other = fromExpressStore(shared, PATIENT)
      const user = randomUUID()
      const [kept, gone] = [await create(one, user), await create(one, user)]

      t.is((await other.read(kept))?.state, 'session')
      t.is((await other.claim(kept)).state, 'session')
      await other.end(gone, user)
      t.is((await one.read(gone))?.state, 'ended')
      t.is((await one.list(user)).length, 1)
      await other.revoke(user)
      t.is((await one.read(kept))?.state, 'ended')
    },
  )
}

test.serial(
  'fromExpressStore(): two processes that claim a code at the same moment are not both granted it, as far as can be seen',
  async (t) => {
    const shared = new session.MemoryStore()
    const stores = [fromExpressStore(shared, PATIENT), fromExpressStore(shared, PATIENT)]
    const id = randomUUID()

    const entries = await Promise.all(stores.map((store) => store.claim(id)))

    t.deepEqual(entries.map(({ state }) => state).sort(), ['claimed', 'granted'])
  },
)

test.serial(
  'fromExpressStore(): a login in one process and a revocation in another at once leave no session',
  async (t) => {
    const shared = new session.MemoryStore()
    const [one, other] = [fromExpressStore(shared, PATIENT), fromExpressStore(shared, PATIENT)]
    const [id, user] = [randomUUID(), randomUUID()]
    const claim = await claimed(one, id)
    await sleep(5)

    const [isCreated] = await Promise.all([
      one.create({ id, user, claim, record: newRecord(), max: 10 }),
      other.revoke(user),
    ])

    t.false(isCreated)
    t.is((await one.read(id))?.state, 'ended')
    t.deepEqual(await one.list(user), [])
  },
)

test.serial(
  'fromExpressStore(): each entry says when it ends in all the ways that stores read, and none lives for ever',
  async (t) => {
    const shared = redis()
    const store = fromExpressStore(await connectRedis(t, shared), PATIENT)
    const user = randomUUID()
    const id = await create(store, user)
    await store.end(await create(store, user), user)
    await store.claim(randomUUID())
    await store.refuse(await claimed(store, randomUUID()), { status: 401 }, 330_000)
    await store.revoke(randomUUID())
    await store.update(id, newRecord())
    await store.renew(id, user, Date.now() + 600_000)

    const entries = await shared.entries()

    // The session, its user's list, what ended, a claim, a refusal, a revocation.
    t.is(entries.length, 6)
    for (const { key, value, ttl } of entries) {
      const { cookie } = JSON.parse(value)
      const isLong = key.endsWith(`:s:${id}`) || key.endsWith(`:u:${user}`)
      const life = isLong ? 600_000 : 330_000
      t.true(ttl > life - 20_000 && ttl <= life + 1000, `${key} ${ttl}`)
      t.true(cookie.originalMaxAge > life - 20_000 && cookie.originalMaxAge <= life, value)
      t.is(cookie.maxAge, cookie.originalMaxAge)
      t.true(Math.abs(Date.parse(cookie.expires) - Date.now() - ttl) < 20_000)
      t.true(key.startsWith(`${shared.prefix}weapp-session:`), key)
    }
  },
)

test.serial('fromExpressStore(): two prefixes in one store share nothing', async (t) => {
  const shared = new session.MemoryStore()
  const one = fromExpressStore(shared, { ...PATIENT, prefix: 'one:' })
  const other = fromExpressStore(shared, { ...PATIENT, prefix: 'other:' })
  const id = await create(one)

  t.is(await other.read(id), undefined)
})

test.serial('fromExpressStore(): a store without touch, and without events, will do', async (t) => {
  const { get, set, destroy } = mapStore()
  const store = fromExpressStore({ get, set, destroy }, PATIENT)
  const user = randomUUID()
  const id = await create(store, user)
  const expires = Date.now() + 600_000

  await store.renew(id, user, expires)

  const entry = await store.read(id)
  t.is(entry?.state === 'session' && entry.record.expires, expires)
})

test.serial('fromExpressStore(): methods are called on their store', async (t) => {
  class Store {
    #entries = new Map<string, unknown>()
    get(id: string, callback: (error: unknown, entry?: unknown) => void) {
      callback(null, this.#entries.get(id))
    }
    set(id: string, entry: unknown, callback: () => void) {
      this.#entries.set(id, entry)
      callback()
    }
    destroy(id: string, callback: () => void) {
      this.#entries.delete(id)
      callback()
    }
  }
  const store = fromExpressStore(new Store(), PATIENT)

  t.is((await store.read(await create(store)))?.state, 'session')
})

test.serial(
  'fromExpressStore(): a store that never calls back: 503 in time, and what it answers again goes on',
  async (t) => {
    const inner = mapStore()
    let isSilent = false
    const silent: ExpressStore = {
      get: (id, callback) => isSilent || inner.get(id, callback),
      set: (id, entry, callback) => isSilent || inner.set(id, entry, callback),
      destroy: (id, callback) => isSilent || inner.destroy(id, callback),
    }
    const server = await startServer(t, { store: fromExpressStore(silent, { timeout: 1000 }) })
    const headers = await codeLoginHeaders(server.wechat.phone())
    const more = await codeLoginHeaders(server.wechat.phone())
    t.is((await server.send(headers)).status, 200)

    isSilent = true
    const since = stopwatch()
    const [session, login] = await Promise.all([server.send(headers), server.send(more)])
    const took = since()
    isSilent = false

    isRefused(t, session, 'ERR_STORE_UNAVAILABLE', 503)
    isRefused(t, login, 'ERR_STORE_UNAVAILABLE', 503)
    t.true(took < 3000, `${took} ms`)
    t.is((await server.send(headers)).status, 200)
    t.is((await server.send(await codeLoginHeaders(server.wechat.phone()))).status, 200)
  },
)

test.serial('fromExpressStore({ timeout }): the default is 250 ms', async (t) => {
  t.is(fromExpressStore(mapStore()).timeout, 250)
})

test.serial(
  'fromExpressStore(): a write whose answer never comes holds up later ones of the same session, and no others',
  async (t) => {
    const inner = mapStore()
    let loses = false
    const store = fromExpressStore(
      { ...inner, set: (id, entry, callback) => (loses ? undefined : inner.set(id, entry, callback)) },
      { timeout: 2000 },
    )
    const [held, free] = [await create(store), await create(store)]
    const clock = install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    t.teardown(() => clock.uninstall())

    loses = true
    const lost = t.throwsAsync(store.update(held, newRecord()), { message: /has not answered/ })
    await sleep(0)
    loses = false
    const waiting = t.throwsAsync(store.update(held, newRecord()), { message: /no answer/ })

    t.is(await store.update(free, newRecord()), 'saved')
    t.is((await store.read(held))?.state, 'session')
    // As long as a write may take.
    await clock.tickAsync(10_000)
    await lost
    await waiting
    t.is(await store.update(held, newRecord()), 'saved')
  },
)

test.serial('fromExpressStore(): a store that calls back twice is heard once', async (t) => {
  const inner = mapStore()
  const store = fromExpressStore(
    {
      get: (id, callback) =>
        inner.get(id, (error, entry) => {
          callback(error, entry)
          callback(new Error('once more'))
          callback(null, { weapp: 'something else' })
        }),
      set: (id, entry, callback) =>
        inner.set(id, entry, () => {
          callback()
          callback(new Error('once more'))
        }),
      destroy: (id, callback) => inner.destroy(id, callback),
    },
    PATIENT,
  )

  const id = await create(store)

  t.is(await store.update(id, newRecord()), 'saved')
  const entry = await store.read(id)
  t.is(entry?.state === 'session' && entry.record.rev, 1)
})

test.serial('fromExpressStore(): an error is 503, however the store brings it', async (t) => {
  const failures: ExpressStore['get'][] = [
    () => {
      throw new Error('thrown')
    },
    (_id, callback) => callback(new Error('called back')),
    (_id, callback) => callback('a text'),
    (_id, callback) => setImmediate(callback, { code: 'ECONNREFUSED' }),
    async () => {
      throw new Error('rejected')
    },
  ]
  for (const get of failures) {
    const store = fromExpressStore({ ...mapStore(), get }, PATIENT)
    const server = await startServer(t, { store })

    const response = await server.send(await codeLoginHeaders(server.wechat.phone()))

    isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
    t.is(server.wechat.exchanges, 0)
  }
})

test.serial('fromExpressStore(): a store that keeps files says ENOENT where nothing is', async (t) => {
  const inner = mapStore()
  const store = fromExpressStore(
    {
      ...inner,
      get: (id, callback) =>
        inner.get(id, (error, entry) => (entry ? callback(error, entry) : callback({ code: 'ENOENT' }))),
    },
    PATIENT,
  )

  t.is(await store.read(randomUUID()), undefined)
  t.is((await store.read(await create(store)))?.state, 'session')
})

test.serial(
  'fromExpressStore(): whatever get returns, it is no session, no free place, and no crash',
  async (t) => {
    const texts = [
      ...['', 'no JSON', 'null', '7', '[]', '"text"', '{}', '{"state":"session"}', '{"state":"other"}'],
      ...['{"state":"session","record":null}', '{"state":"session","record":{"v":1}}'],
      ...['{"state":"claimed"}', '{"state":"refused"}', '{"state":"refused","refusal":{}}'],
      JSON.stringify({ state: 'session', record: { ...newRecord(), data: [] } }),
      JSON.stringify({ state: 'session', record: { ...newRecord(), expires: 'soon' } }),
    ]
    const values = ['text', 7, [], {}, { cookie: {} }, { weapp: 7 }, ...texts.map((weapp) => ({ weapp }))]
    for (const value of values) {
      const store = fromExpressStore(
        { ...mapStore(), get: (_id, callback) => callback(null, value) },
        PATIENT,
      )
      const [id, user] = [randomUUID(), randomUUID()]
      const claim: Claim = { id, token: 'mine', began: 0 }
      const said = JSON.stringify(value)

      t.deepEqual(await store.read(id), { state: 'ended' }, said)
      t.deepEqual(await store.claim(id), { state: 'ended' }, said)
      t.false(await store.create({ id, user, claim, record: newRecord(), max: 1 }), said)
      t.is(await store.update(id, newRecord()), 'ended', said)
      t.deepEqual(await store.list(user), [], said)
      t.true(await store.end(id, user), said)
      await t.notThrowsAsync(store.renew(id, user, Date.now() + 600_000), said)
      await t.notThrowsAsync(store.refuse(claim, { status: 401 }, 1000), said)
      await t.notThrowsAsync(store.revoke(user), said)
    }
  },
)

test.serial(
  'fromExpressStore({ prefix }): it leaves alone what another session middleware has under an id',
  async (t) => {
    const shared = new session.MemoryStore()
    const theirs = { cookie: new session.Cookie(), cart: ['milk'] }
    await new Promise((resolve) => shared.set('weapp-session:s:theirs', theirs, resolve))
    const store = fromExpressStore(shared, PATIENT)

    t.is((await store.claim('theirs')).state, 'ended')
    t.is(await store.update('theirs', newRecord()), 'ended')
    const kept = await new Promise<unknown>((resolve) =>
      shared.get('weapp-session:s:theirs', (_error, entry) => resolve(entry)),
    )
    t.like(kept, { cart: ['milk'] })
  },
)

test.serial(
  'fromExpressStore(): after disconnect nobody is kept waiting, after connect it goes on',
  async (t) => {
    const shared = new session.MemoryStore()
    const store = fromExpressStore(shared, PATIENT)
    const id = await create(store)

    shared.emit('disconnect')
    await t.throwsAsync(store.read(id), { message: /lost its database/ })
    await t.throwsAsync(store.update(id, newRecord()), { message: /lost its database/ })
    shared.emit('connect')

    t.is(await store.update(id, newRecord()), 'saved')
  },
)

test.serial('WEAPP_EXPRESS_STORE: in production it says once that it is for one process', async (t) => {
  const said: (string | undefined)[] = []
  const listen = (warning: Error & { code?: string }) => said.push(warning.code)
  process.on('warning', listen)
  const environment = process.env.NODE_ENV

  fromExpressStore(mapStore())
  process.env.NODE_ENV = 'production'
  fromExpressStore(mapStore())
  process.env.NODE_ENV = environment
  await until(() => said.length > 0)
  process.off('warning', listen)

  t.deepEqual(said, ['WEAPP_EXPRESS_STORE'])
})

test.serial('fromExpressStore(): a wrong store or option is a mistake at start-up', (t) => {
  const mistakes: [() => unknown, RegExp][] = [
    [() => fromExpressStore(undefined as unknown as ExpressStore), /needs a store of express-session/],
    [() => fromExpressStore(session.MemoryStore as unknown as ExpressStore), /MemoryStore is its class/],
    [() => fromExpressStore(mapStore(), { ttl: 1 } as object), /no option 'ttl'/],
    [() => fromExpressStore(mapStore(), { timeout: 0 }), /timeout/],
    [() => fromExpressStore(mapStore(), { timeout: Number.NaN }), /timeout/],
    [() => fromExpressStore(mapStore(), { prefix: 7 as unknown as string }), /prefix/],
  ]
  for (const [make, message] of mistakes) t.throws(make, { instanceOf: TypeError, message })
})

test.serial(
  'keyedMutex: one after the other under a key, side by side under two, and nothing is left',
  async (t) => {
    const all = keyedMutex(5000)
    const order: string[] = []
    const work = (name: string, ms: number) => async () => {
      order.push(`${name} begins`)
      await sleep(ms)
      order.push(`${name} ends`)
      if (name === 'bad') throw new Error('bad')
    }

    await Promise.allSettled([
      all.run('a', work('slow', 100)),
      all.run('a', work('bad', 0)),
      all.run('a', work('last', 0)),
      all.run('b', work('other', 0)),
    ])

    t.deepEqual(order, [
      ...['slow begins', 'other begins', 'other ends', 'slow ends'],
      ...['bad begins', 'bad ends', 'last begins', 'last ends'],
    ])
    t.is(all.size, 0)
  },
)

test.serial('keyedMutex: work that has waited too long is not begun, and a line has a maximum', async (t) => {
  const clock = install({ toFake: ['performance'] })
  t.teardown(() => clock.uninstall())
  const line = keyedMutex(1000)
  let begun = 0
  let isOver = false
  const slow = line.run('a', () => until(() => isOver))
  const waiting = Array.from({ length: 1500 }, () => line.run('a', async () => void begun++))

  // The first has begun by then.
  await sleep(0)
  clock.tick(1500)
  isOver = true
  const results = await Promise.allSettled(waiting)
  await slow

  const reasons = results.map((result) => (result.status === 'rejected' ? result.reason.message : ''))
  t.is(begun, 0)
  t.is(reasons.filter((reason) => /too many/.test(reason)).length, 501)
  t.is(reasons.filter((reason) => /no answer/.test(reason)).length, 999)
  t.is(line.size, 0)
})

/** Facts about types: stores of express-session, and those that are written after it, fit. */
const fits: ((store: session.Store, memory: session.MemoryStore, redis: RedisStore) => ExpressStore[])[] = [
  (store, memory, redis) => [store, memory, redis],
]
// @ts-expect-error a store that cannot write is none
const isNone = (store: Pick<session.Store, 'get' | 'destroy'>): ExpressStore => store
void [fits, isNone]

/** A store as simple as they come: it calls back at once, and keeps the very objects that it is given. */
function mapStore(): ExpressStore {
  const entries = new Map<string, unknown>()
  return {
    get: (id, callback) => callback(null, entries.get(id)),
    set(id, entry, callback) {
      entries.set(id, entry)
      callback()
    },
    destroy(id, callback) {
      entries.delete(id)
      callback(null)
    },
  }
}

async function create(store: SessionStore, user: string = randomUUID()): Promise<string> {
  const id = randomUUID()
  const claim = await claimed(store, id)
  if (!(await store.create({ id, user, claim, record: newRecord(), max: 10 }))) {
    throw new Error('the session was not created')
  }
  return id
}

async function claimed(store: SessionStore, id: string): Promise<Claim> {
  const entry = await store.claim(id)
  if (entry.state !== 'granted') throw new Error(`the claim was not granted: ${entry.state}`)
  return entry.claim
}

function newRecord(): SessionRecord {
  const now = Date.now()
  const ids = { appId: 'wx-test', user: { appId: 'wx-test', openId: 'o-test' } }
  return { v: 1, ...ids, data: {}, key: 'sealed', created: now, expires: now + 60_000, rev: 0 }
}
