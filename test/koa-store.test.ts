import { randomUUID } from 'node:crypto'
import test from 'ava'
import session from 'express-session'
import { createClient } from 'redis'
import { type ExpressStore, fromExpressStore } from '../src/stores/express/index.js'
import { fromKoaStore, type KoaStore, type KoaStoreEntry } from '../src/stores/koa/index.js'
import { connectRedis } from './support/connect-redis.js'
import { useRedis } from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { testStore } from './support/store-contract.js'
import { until } from './support/until.js'
import { codeLoginHeaders } from './support/wechat.js'

// Stores from npm: test/matrix/stores.test.ts.
const redis = useRedis(test)

/** The machine is busy with other tests. */
const PATIENT = { timeout: 20_000 }

testStore(test, async () => fromKoaStore(new MapStore(), PATIENT))

test('fromKoaStore(): logins on it, and the life of an entry in all the places where stores look', async (t) => {
  const kept = new MapStore()
  const server = await startServer(t, { store: fromKoaStore(kept, PATIENT) })
  const headers = await codeLoginHeaders(server.wechat.phone())

  t.is((await server.send(headers)).status, 200)
  t.is((await server.send(headers)).status, 200)

  for (const { entry, maxAge } of kept.entries.values()) {
    t.true(maxAge > 300_000, `${maxAge}`)
    t.is(entry._maxAge, maxAge)
    t.true(Math.abs(entry._expire - Date.now() - maxAge) < 20_000)
    t.is(entry.cookie.maxAge, maxAge)
  }
})

test('fromKoaStore(): a store that answers at once, without a promise, will do', async (t) => {
  const entries = new Map<string, unknown>()
  const atOnce: KoaStore = {
    get: (key) => entries.get(key),
    set: (key, entry) => entries.set(key, entry),
    destroy: (key) => entries.delete(key),
  }
  const store = fromKoaStore(atOnce, PATIENT)

  t.is((await store.claim(randomUUID())).state, 'granted')
})

test('fromKoaStore(): what a store throws, rejects with, or does not answer, is 503', async (t) => {
  const failures: KoaStore['get'][] = [
    () => {
      throw new Error('thrown')
    },
    async () => {
      throw new Error('rejected')
    },
    () => new Promise(() => {}),
  ]
  for (const get of failures) {
    const { set, destroy } = new MapStore()
    const server = await startServer(t, { store: fromKoaStore({ get, set, destroy }) })

    const response = await server.send(await codeLoginHeaders(server.wechat.phone()))

    isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
    t.is(server.wechat.exchanges, 0)
  }
})

test('fromKoaStore(): after disconnect nobody is kept waiting, after connect it goes on', async (t) => {
  const listeners: Record<string, () => void> = {}
  const kept = new MapStore()
  const store = fromKoaStore({
    get: (key) => kept.get(key),
    set: (key, entry, maxAge) => kept.set(key, entry, maxAge),
    destroy: (key) => kept.destroy(key),
    on: (event, listener) => {
      listeners[event] = listener
    },
  })

  listeners.disconnect?.()
  await t.throwsAsync(store.read('id'), { message: /lost its database/ })
  listeners.connect?.()

  t.is(await store.read('id'), undefined)
})

test('fromKoaStore(), fromExpressStore(): an entry whose time is over is nothing, to a store that forgets nothing too', async (t) => {
  const entries = new Map<string, unknown>()
  const atOnce: KoaStore = {
    get: (key) => entries.get(key),
    set: (key, entry) => entries.set(key, entry),
    destroy: (key) => entries.delete(key),
  }
  const store = fromKoaStore(atOnce, PATIENT)
  const claimed = await store.claim('id')
  t.true(claimed.state === 'granted')
  if (claimed.state === 'granted') await store.refuse(claimed.claim, { status: 401 }, 10)

  await until(async () => (await store.read('id')) === undefined)

  t.is((await store.claim('id')).state, 'granted')
})

test('fromKoaStore(), fromExpressStore(): what is no store of theirs is refused by name, and what to do is said', async (t) => {
  const client = createClient()
  const express = new session.MemoryStore()
  const koa = new MapStore()
  const makesAClass = function connectMemory(_session: unknown) {}
  class Forgets {
    get() {}
    set() {}
  }
  class Generators {
    *get() {}
    *set() {}
    *destroy() {}
  }
  const mistakes: [store: unknown, ofExpress: RegExp | undefined, ofKoa: RegExp | undefined][] = [
    [undefined, /with get, set and destroy: new RedisStore/, /with get, set and destroy: redisStore\(\)/],
    ['redis', /needs a store of express-session/, /needs a store of koa-session/],
    [session.MemoryStore, /MemoryStore is its class\. new MemoryStore\(/, /MemoryStore is its class/],
    [MapStore, /MapStore is its class/, /MapStore is its class\. new MapStore\(/],
    [makesAClass, /new \(connectMemory\(session\)\)\(…\)/, /connectMemory is a function/],
    [new Forgets(), /Forgets has no destroy/, /Forgets has no destroy/],
    [{}, /Object has no get and no set and no destroy/, /Object has no get/],
    [new Map(), /Map has no destroy/, /Map has no destroy/],
    [client, /is a client of Redis, which redisStore\(\{ client \}\) takes/, /is a client of Redis/],
    [koa, /MapStore takes no callback, like those of koa-session\. .*fromKoaStore\(\)/, undefined],
    [express, undefined, /MemoryStore calls back, like those of express-session\. .*fromExpressStore\(\)/],
    [await connectRedis(t, redis()), undefined, /RedisStore calls back/],
    [new Generators(), undefined, /Generators has generators/],
  ]
  for (const [store, ofExpress, ofKoa] of mistakes) {
    const made = [
      { make: () => fromExpressStore(store as ExpressStore), message: ofExpress },
      { make: () => fromKoaStore(store as KoaStore), message: ofKoa },
    ]
    for (const { make, message } of made) {
      if (message) t.throws(make, { instanceOf: TypeError, message })
      else if (!(store instanceof Generators)) t.notThrows(make)
    }
  }
})

test('fromKoaStore(): a store is not judged by how many values its functions take', (t) => {
  const compiled: KoaStore = {
    get: (_key, _maxAge) => Promise.resolve(),
    set: (_key, _entry, _maxAge) => Promise.resolve(),
    destroy: (_key, _options) => Promise.resolve(),
  }

  t.notThrows(() => fromKoaStore(compiled))
})

const LOSSES: Record<string, [change: (entry: KoaStoreEntry) => unknown, says: RegExp]> = {
  'keeps nothing': [() => undefined, /has nothing of what was just written.*lifetime.*call back/],
  'gives back text': [(entry) => JSON.stringify(entry), /gives back text.*get\(\) parse/],
  'keeps the fields that it knows': [({ _expire, _maxAge }) => ({ _expire, _maxAge }), /something else/],
}

for (const [what, [change, says]] of Object.entries(LOSSES)) {
  test.serial(
    `WEAPP_STORE_FORGETS: a store that ${what} is found out by check() and by the first login`,
    async (t) => {
      const entries = new Map<string, unknown>()
      const lossy: KoaStore = {
        get: (key) => entries.get(key),
        set: (key, entry) => entries.set(key, change(entry)),
        destroy: (key) => entries.delete(key),
      }
      const said: string[] = []
      const listen = (warning: Error & { code?: string }) => {
        if (warning.code === 'WEAPP_STORE_FORGETS') said.push(warning.message)
      }
      process.on('warning', listen)
      t.teardown(() => process.off('warning', listen))
      const store = fromKoaStore(lossy, PATIENT)

      const [problem] = (await store.check?.()) ?? []
      for (let n = 0; n < 3; n++) await store.claim(randomUUID())
      await until(() => said.length > 0)

      t.is(problem?.code, 'WEAPP_STORE_FORGETS')
      t.regex(`${problem?.message} ${problem?.fix}`, says)
      t.is(said.length, 1)
      t.regex(said[0] ?? '', says)
      t.false([...entries.keys()].some((key) => key.includes('probe')))
    },
  )
}

test('WEAPP_STORE_FORGETS: a store that keeps what it is given has no problem', async (t) => {
  const store = fromKoaStore(new MapStore(), PATIENT)

  t.deepEqual(await store.check?.(), [])
})

test('fromKoaStore(): a wrong option is a mistake at start-up', (t) => {
  t.throws(() => fromKoaStore(new MapStore(), { ttl: 1 } as object), {
    message: /fromKoaStore.*no option 'ttl'/,
  })
  t.throws(() => fromKoaStore(new MapStore(), { timeout: 0 }), { message: /fromKoaStore\(\{ timeout \}\)/ })
})

test('WEAPP_KOA_STORE: in production it says once that it is for one process', async (t) => {
  const said: (string | undefined)[] = []
  const listen = (warning: Error & { code?: string }) => said.push(warning.code)
  process.on('warning', listen)
  const environment = process.env.NODE_ENV

  process.env.NODE_ENV = 'production'
  fromKoaStore(new MapStore())
  process.env.NODE_ENV = environment
  await until(() => said.length > 0)
  process.off('warning', listen)

  t.deepEqual(said, ['WEAPP_KOA_STORE'])
})

/** A store as koa-session's documents describe one: its entries leave when their time is over. */
class MapStore {
  readonly entries = new Map<string, { entry: KoaStoreEntry; maxAge: number; until: number }>()

  async get(key: string): Promise<KoaStoreEntry | undefined> {
    const kept = this.entries.get(key)
    return kept && kept.until > Date.now() ? structuredClone(kept.entry) : undefined
  }

  async set(key: string, entry: KoaStoreEntry, maxAge = 0): Promise<void> {
    this.entries.set(key, { entry: structuredClone(entry), maxAge, until: Date.now() + maxAge })
  }

  async destroy(key: string): Promise<void> {
    this.entries.delete(key)
  }
}
