import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createClient, RESP_TYPES } from 'redis'
import {
  type RedisCacheOptions,
  type RedisClient,
  redisStore,
  type SessionRecord,
  type SessionStore,
} from '../src/index.js'
import { startRedis, useRedis, withClient } from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { type Created, create, newId, newRecord } from './support/store-contract.js'
import { startTcpSwitch } from './support/tcp-switch.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly, startWechat } from './support/wechat.js'

const redis = useRedis(test)

// One by one: they are about milliseconds.
test.serial(
  'redisStore({ cache }): it keeps a session that is asked for again, and none that is asked for once',
  async (t) => {
    const store = startStore(t)
    const { id, record } = await create(store)
    await connected(store)

    t.is(store.peek?.(id), undefined)
    await store.read(id)
    t.is(store.peek?.(id), undefined)
    await store.read(id)

    t.deepEqual(store.peek?.(id), record)
  },
)

test.serial(
  'redisStore({ cache }): a session that ends in another process is forgotten at once',
  async (t) => {
    const [one, other] = pair(t)
    const lateness: number[] = []
    for (let n = 0; n < 20; n++) {
      const { id, user } = await keptSession(one)

      await other.end(id, user)

      const ended = performance.now()
      await until(() => one.peek?.(id) === undefined)
      lateness.push(performance.now() - ended)
    }

    t.log(`forgotten after ${Math.max(...lateness).toFixed(1)} ms at the latest`)
    t.true(Math.max(...lateness) < 1000)
  },
)

test.serial(
  'redisStore({ cache }): a user who is revoked in another process is forgotten at once',
  async (t) => {
    const [one, other] = pair(t)
    const { id, user } = await keptSession(one)

    await other.revoke(user)

    await until(() => one.peek?.(id) === undefined)
    t.deepEqual(await one.read(id), { state: 'ended' })
  },
)

test.serial('redisStore({ cache }): a process sees its own changes at once', async (t) => {
  const store = startStore(t)
  for (let n = 0; n < 50; n++) {
    const { id, user, record } = await keptSession(store)

    t.is(await store.update(id, { ...record, data: { n } }), 'saved')
    const seen = store.peek?.(id) ?? (await read(store, id))
    t.is(seen?.data.n, n)

    await store.end(id, user)
    t.is(store.peek?.(id), undefined)
  }
})

test.serial('redisStore({ cache }): it does not keep a session that changed while it was read', async (t) => {
  const [one, other] = pair(t)
  for (let n = 0; n < 200; n++) {
    const { id, record } = await known(one)

    const [, saved] = await Promise.all([one.read(id), other.update(id, { ...record, data: { n } })])
    t.is(saved, 'saved')

    await until(() => one.peek?.(id)?.data.n === n || one.peek?.(id) === undefined)
    t.is((await read(one, id))?.data.n, n)
    t.is((one.peek?.(id) ?? { data: { n } }).data.n, n)
  }
})

test.serial(
  'redisStore({ cache: { maxAge } }): it keeps no session longer than that, nor beyond its own end',
  async (t) => {
    const store = startStore(t, { maxAge: 1 })
    const { id } = await keptSession(store)
    await sleep(1010)
    t.is(store.peek?.(id), undefined)

    const patient = startStore(t, { maxAge: 60 })
    await connected(patient)
    const brief = await keptSession(patient, newRecord({ expires: Date.now() + 1500 }))
    await sleep(1510)
    t.is(patient.peek?.(brief.id), undefined)
  },
)

test.serial(
  'redisStore({ cache }): ids that nobody was given are not kept, and Redis need not remember that we asked',
  async (t) => {
    const { url, stop } = await startRedis()
    t.teardown(stop)
    const store = redisStore({ url, timeout: 5000, cache: true })
    t.teardown(() => store.close?.())
    await connected(store)
    const { id } = await keptSession(store)

    for (let n = 0; n < 2000; n++) await store.read(newId())

    const tracked = await withClient(url, (client) => client.info('clients'))
    t.regex(tracked, /tracking_clients:1\r/)
    const keys = await withClient(url, (client) => client.info('stats'))
    t.regex(keys, /tracking_total_keys:1\r/)
    t.not(store.peek?.(id), undefined)
  },
)

test.serial('redisStore({ cache: { max } }): no more sessions are kept than there is room for', async (t) => {
  const store = startStore(t, { max: 10 })
  const sessions = []
  for (let n = 0; n < 30; n++) sessions.push(await keptSession(store))

  const kept = sessions.filter(({ id }) => store.peek?.(id) !== undefined)

  t.is(kept.length, 10)
})

test.serial(
  'redisStore({ cache }): when the connection that listens is lost, all is forgotten, and kept again when there is another',
  async (t) => {
    const { url, stop } = await startRedis()
    t.teardown(stop)
    const store = redisStore({ url, timeout: 5000, cache: { maxAge: 60 } })
    t.teardown(() => store.close?.())
    const session = await keptSession(store)

    await withClient(url, (client) =>
      client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']),
    )

    await until(() => store.peek?.(session.id) === undefined)
    await until(async () => {
      await store.read(session.id).catch(() => {})
      return store.peek?.(session.id) !== undefined
    })
    t.pass()
  },
)

test.serial('redisStore({ cache }): it forgets all when Redis is emptied', async (t) => {
  const { url, stop } = await startRedis()
  t.teardown(stop)
  const store = redisStore({ url, timeout: 5000, cache: { maxAge: 60 } })
  t.teardown(() => store.close?.())
  const { id } = await keptSession(store)

  await withClient(url, (client) => client.flushAll())

  await until(() => store.peek?.(id) === undefined)
  t.is(await store.read(id), undefined)
})

test.serial('redisStore({ cache }): handlers cannot change the session that it keeps', async (t) => {
  const { url, prefix } = redis()
  const store = redisStore({ url, prefix, timeout: 5000, cache: { maxAge: 60 } })
  const { send, wechat } = await startServer(t, {
    store,
    handler(ctx) {
      const data = ctx.$wxSession?.data ?? {}
      const { openId } = ctx.$wxUserInfo ?? {}
      ctx.body = { cart: data.cart, openId }
      if (ctx.path === '/') data.cart = ['apple']
      Object.assign(ctx.$wxUserInfo ?? {}, { openId: 'somebody else' })
      if (ctx.path === '/throw') {
        ;(data.cart as string[]).push('stolen')
        throw new Error('on purpose')
      }
    },
  })
  const phone = wechat.phone('alice')
  const headers = await codeLoginHeaders(phone)
  t.is((await send(headers, '/')).status, 200)
  const session = codeOnly(headers)
  for (let n = 0; n < 3; n++) await send(session, '/look')

  t.is((await send(session, '/throw')).status, 500)

  for (let n = 0; n < 3; n++) {
    t.deepEqual((await send(session, '/look')).body, { cart: ['apple'], openId: phone.user.openId })
  }
})

test.serial('destroy(): a logout in one server is seen by the other, which keeps the session', async (t) => {
  const { url, prefix } = redis()
  const wechat = startWechat(t)
  const serve = async () => {
    const store = redisStore({ url, prefix, timeout: 5000, cache: { maxAge: 60 } })
    return startServer(t, { store, weixin: wechat })
  }
  const [one, other] = [await serve(), await serve()]
  const headers = await codeLoginHeaders(wechat.phone('alice'))
  t.is((await one.send(headers)).status, 200)
  const session = codeOnly(headers)
  for (let n = 0; n < 4; n++) t.is((await other.send(session)).status, 200)

  await one.session.revoke(wechat.user('alice').openId)

  await sleep(50)
  isRefused(t, await other.send(session), 'ERR_SESSION_EXPIRED', 401)
})

test.serial(
  "redisStore({ cache, client }): a database that the caller's client has selected is not the listener's: sessions are found all the same",
  async (t) => {
    const { url, prefix } = redis()
    const client = await createClient({ url })
      .on('error', () => {})
      .connect()
    t.teardown(() => client.destroy())
    await client.select(3)
    const store = redisStore({ client, prefix, timeout: 5000, cache: true })
    t.teardown(() => store.close?.())
    const { id } = await create(store)

    const states = new Set<string | undefined>()
    for (let n = 0; n < 50; n++) {
      states.add((await store.read(id))?.state)
      await sleep(10)
    }

    t.deepEqual([...states], ['session'])
  },
)

test.serial(
  "redisStore({ cache, client }): types that the caller's client has for its own commands do not matter",
  async (t) => {
    const { url, prefix } = redis()
    const client = createClient({
      url,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    })
    const store = redisStore({
      // Its type says Buffer.
      client: client as unknown as RedisClient,
      prefix,
      timeout: 5000,
      cache: true,
    })
    t.teardown(() => store.close?.())

    t.truthy(await keptSession(store))
  },
)

test.serial(
  'redisStore({ cache, client }): a listener that was told not to connect again is replaced',
  async (t) => {
    const { url, stop } = await startRedis()
    t.teardown(stop)
    const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {})
    const store = redisStore({ client, timeout: 5000, cache: { maxAge: 60 } })
    t.teardown(() => store.close?.())
    await keptSession(store)

    await withClient(url, (other) => other.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']))

    await until(async () => (await keptSession(store).catch(() => undefined)) !== undefined)
    t.pass()
  },
)

test.serial(
  'redisStore({ cache, client }): a client that cannot be duplicated cannot listen, which is said at the start',
  (t) => {
    const client = new Proxy(createClient({ url: redis().url }), {
      has: (target, name) => name !== 'duplicate' && Reflect.has(target, name),
    })

    t.throws(() => redisStore({ client: client as unknown as RedisClient, cache: true }), {
      message: /duplicated/,
    })
  },
)

function startStore(t: ExecutionContext, cache: RedisCacheOptions = { maxAge: 60 }): SessionStore {
  const store = redisStore({ ...redis().options, cache })
  t.teardown(() => store.close?.())
  return store
}

/** Two processes with one Redis; both keep sessions. */
function pair(t: ExecutionContext): [SessionStore, SessionStore] {
  const { options } = redis()
  const stores = [1, 2].map(() => redisStore({ ...options, cache: { maxAge: 60 } }))
  for (const store of stores) t.teardown(() => store.close?.())
  return stores as [SessionStore, SessionStore]
}

/** A session that was found once, of a store that listens: its next read is kept. */
async function known(store: SessionStore): Promise<Created> {
  await connected(store)
  const session = await create(store)
  await store.read(session.id)
  return session
}

async function keptSession(store: SessionStore, record: SessionRecord = newRecord()): Promise<Created> {
  await connected(store)
  const session = await create(store, { record })
  await until(async () => {
    await store.read(session.id)
    return store.peek?.(session.id) !== undefined
  })
  return session
}

const listening = new WeakSet<SessionStore>()

/** The connection that listens is made in the background: until it is there, nothing is kept. */
async function connected(store: SessionStore): Promise<void> {
  if (listening.has(store)) return
  const { id, user } = await create(store)
  await until(async () => {
    await store.read(id)
    return store.peek?.(id) !== undefined
  })
  await store.end(id, user)
  listening.add(store)
}

async function read(store: SessionStore, id: string): Promise<SessionRecord | undefined> {
  const entry = await store.read(id)
  return entry?.state === 'session' ? entry.record : undefined
}

test.serial(
  'redisStore({ cache }): after a failover it reads where it writes, although the old master lives',
  async (t) => {
    const [old, next] = await Promise.all([startRedis(), startRedis()])
    const address = await startTcpSwitch(old.port)
    t.teardown(async () => {
      address.stop()
      await Promise.all([old.stop(), next.stop()])
    })
    await next.use(async (client) => {
      await client.configSet('repl-diskless-sync-delay', '0')
      await client.replicaOf('127.0.0.1', old.port)
      await until(async () => /master_link_status:up/.test(await client.info('replication')))
    })
    const server = await startServer(t, {
      store: redisStore({ url: `redis://127.0.0.1:${address.port}`, timeout: 2000, cache: true }),
      async handler(ctx) {
        if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
        ctx.body = 'ok'
      },
    })
    const headers = await codeLoginHeaders(server.wechat.phone())
    await server.send(headers)
    for (let n = 0; n < 5; n++) t.is((await server.send(codeOnly(headers))).status, 200)

    await next.use((client) => client.sendCommand(['REPLICAOF', 'NO', 'ONE']))
    address.leadTo(next.port)
    // Of the two connections, the one without tracking is lost.
    await old.use(async (client) => {
      const lines = String(await client.sendCommand(['CLIENT', 'LIST', 'TYPE', 'normal'])).split('\n')
      const mine = lines.find((line) => /flags=N /.test(line) && !/cmd=client/.test(line))
      await client.sendCommand(['CLIENT', 'KILL', 'ID', /id=(\d+)/.exec(mine ?? '')?.[1] ?? ''])
    })
    await until(async () => (await server.send(codeOnly(headers), '/logout')).status === 200)

    await until(async () => (await server.send(codeOnly(headers))).status === 401)
    t.pass()
  },
)
