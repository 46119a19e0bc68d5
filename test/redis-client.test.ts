import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { createClient } from 'redis'
import { redisStore } from '../src/index.js'
import {
  freePort,
  NOTHING_KEPT,
  newFolder,
  runRedis,
  startRedis,
  useRedis,
  withClient,
} from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { stopwatch } from './support/stopwatch.js'
import { startTcpSwitch } from './support/tcp-switch.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly } from './support/wechat.js'

const redis = useRedis(test)

test('redisStore({ client }): a client that is not connected is connected, and closed at the end', async (t) => {
  const { url, prefix } = redis()
  const client = createClient({ url })
  const { send, wechat, session } = await startServer(t, {
    store: redisStore({ client, prefix, timeout: 5000 }),
  })

  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
  await session.close()

  t.false(client.isOpen)
})

// Of the soak: a connection too many after the connections to Redis were cut.
test('close(): a client of redisStore() that is just being connected leaves no connection behind', async (t) => {
  const { url, prefix, use } = redis()
  const name = 'left-behind'
  const client = createClient({ url, name })
  const store = redisStore({ client, prefix, timeout: 5000 })
  const isReady = once(client, 'ready')
  const read = store.read('a').catch(() => {})

  await store.close?.()

  // node-redis goes on with connecting.
  await isReady
  await read
  await until(
    async () => !String(await use((observer) => observer.sendCommand(['CLIENT', 'LIST']))).includes(name),
  )
  t.false(client.isReady)
})

test('redisStore({ client }): a client that the caller connected stays open: it may serve others', async (t) => {
  const { url, prefix } = redis()
  const client = await createClient({ url })
    .on('error', () => {})
    .connect()
  t.teardown(() => client.destroy())
  const { send, wechat, session } = await startServer(t, {
    store: redisStore({ client, prefix, timeout: 5000 }),
  })

  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
  await session.close()

  t.is(await client.ping(), 'PONG')
})

test('redisStore({ client }): it does not close a client that the caller connects after the store was made', async (t) => {
  const { url, prefix } = redis()
  const client = createClient({ url }).on('error', () => {})
  const store = redisStore({ client, prefix, timeout: 5000 })
  await t.notThrowsAsync(client.connect())
  t.teardown(() => client.destroy())

  t.is(await store.read('nobody'), undefined)
  await store.close?.()

  t.is(await client.ping(), 'PONG')
})

test('close(): a store that is closed before it has connected lets the process end', async (t) => {
  const script = `
    const { redisStore } = await import('${new URL('../src/index.ts', import.meta.url)}')
    const store = redisStore({ url: '${redis().url}' })
    store.read('nobody').catch(() => {})
    await store.close()`
  const args = ['--import=tsx', '--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })

  const [code] = await once(child, 'exit')

  t.is(code, 0)
})

test('redisStore(): while Redis is away it queues no calls, so that none arrives late', async (t) => {
  const server = await ownRedis(t)
  const client = createClient({ url: server.url }).on('error', () => {})
  const store = redisStore({ client, prefix: server.prefix, timeout: 5000 })
  t.teardown(() => store.close?.())
  await store.read('nobody')
  await server.stop()
  await until(() => !client.isReady)

  for (let n = 0; n < 1000; n++) await t.throwsAsync(store.read('nobody'))
  const again = await ownRedis(t, server.port)
  await until(() => client.isReady)
  await store.read('nobody')

  const stats = await withClient(again.url, (fresh) => fresh.info('commandstats'))
  t.regex(stats, /cmdstat_get:calls=1,/)
})

test.serial(
  'redisStore(): with Redis absent at start, requests without a session go on, others get 503 in time; then it comes',
  async (t) => {
    const port = await freePort()
    const { send, wechat } = await startServer(t, { store: redisStore({ url: `redis://127.0.0.1:${port}` }) })
    const headers = await codeLoginHeaders(wechat.phone())
    await send(headers)

    const took = stopwatch()
    isRefused(t, await send(headers), 'ERR_STORE_UNAVAILABLE', 503)
    t.true(took() < 400)
    t.is((await send()).status, 200)
    t.is(wechat.exchanges, 0)

    await ownRedis(t, port)
    // As phones do: with a fresh code each time, because one that was claimed and came to nothing is spent.
    let latest = headers
    await until(async () => {
      latest = await codeLoginHeaders(wechat.phone())
      return (await send(latest)).status === 200
    })
    t.is((await send(codeOnly(latest))).status, 200)
  },
)

test('redisStore(): a Redis that is full refuses logins, serves sessions, and takes logins again when there is room', async (t) => {
  const server = await ownRedis(t)
  const { send, wechat } = await startServer(t, { store: redisStore(server.options) })
  const old = await codeLoginHeaders(wechat.phone())
  await send(old)

  await withClient(server.url, (client) =>
    client.configSet({ maxmemory: '1', 'maxmemory-policy': 'noeviction' }),
  )
  isRefused(t, await send(await codeLoginHeaders(wechat.phone())), 'ERR_STORE_UNAVAILABLE', 503)
  t.is((await send(codeOnly(old))).status, 200)

  await withClient(server.url, (client) => client.configSet('maxmemory', '0'))
  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
})

test('redisStore(): scripts that Redis has forgotten are sent again', async (t) => {
  const server = await ownRedis(t)
  const { send, wechat } = await startServer(t, { store: redisStore(server.options) })
  await send(await codeLoginHeaders(wechat.phone()))

  await withClient(server.url, (client) => client.scriptFlush())

  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
})

test('redisStore(): every key that is written has an expiry, whatever happens to its session', async (t) => {
  const own = redis()
  const { send, wechat, session } = await startServer(t, {
    store: redisStore(own.options),
    rolling: true,
    ttl: 4,
    maxSessionsPerUser: 1,
    handler: async (ctx) => {
      if (ctx.$wxSession) ctx.$wxSession.data.n = Math.random()
      if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
      ctx.body = {}
    },
  })
  const steps: Record<string, string>[] = []
  for (const name of ['alice', 'alice', 'bob', 'carol']) {
    const headers = await codeLoginHeaders(wechat.phone(name))
    await send(headers)
    steps.push(codeOnly(headers))
  }
  await sleep(600)
  for (const headers of steps) await send(headers)
  await send(steps[3], '/logout')
  await session.revoke(wechat.user('bob').openId)
  wechat.fail('lost')
  await send(await codeLoginHeaders(wechat.phone()))

  const entries = await own.entries()

  // Four codes that were sessions, two users, and a code that WeChat never answered.
  t.is(entries.length, 7)
  for (const { key, value, ttl } of entries) t.true(ttl > 0, `${key} = ${value}`)
})

async function ownRedis(t: ExecutionContext, port?: number): ReturnType<typeof startRedis> {
  const server = await startRedis(port)
  t.teardown(() => server.stop())
  return server
}

test('redisStore({ client }): a client that gives up while the store waits for it is connected by the store', async (t) => {
  const port = await freePort()
  const client = createClient({
    url: `redis://127.0.0.1:${port}`,
    socket: { reconnectStrategy: (tries) => (tries > 2 ? new Error('gave up') : 50) },
  })
  client.on('error', () => {})
  const store = redisStore({ client, timeout: 1000, connectTimeout: 500 })
  t.teardown(() => store.close?.())
  const connecting = client.connect().catch(() => 'gave up')
  await t.throwsAsync(async () => store.read('x'))
  t.is(await connecting, 'gave up')

  const own = await startRedis(port)
  t.teardown(() => own.stop())

  await until(async () => {
    try {
      return (await store.read('x')) === undefined
    } catch {
      return false
    }
  })
  t.pass()
})

test('redisStore({ client }): Redis’s words are told without the password that it was sent', async (t) => {
  const port = await freePort()
  const { end } = runRedis([
    ...['--port', `${port}`, '--dir', newFolder(), '--rename-command', 'HELLO', '', ...NOTHING_KEPT],
    ...['--requirepass', 'S3cretPass'],
  ])
  t.teardown(end)
  const client = createClient({ url: `redis://:S3cretPass@127.0.0.1:${port}` })
  client.on('error', () => {})
  const said: string[] = []
  const listen = ({ message }: Error) => said.push(message)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  const server = await startServer(t, {
    store: redisStore({ client, connectTimeout: 500 }),
  })
  server.app.on('error', (error: unknown) => said.push(inspect(error, { depth: 9 })))

  const { status } = await server.send(await codeLoginHeaders(server.wechat.phone()))
  const ready = await t.throwsAsync(server.session.ready({ timeout: 1000 }))
  const { problems } = await server.session.check()

  t.is(status, 503)
  const all = [...said, inspect(ready, { depth: 9 }), inspect(problems)].join('\n')
  t.regex(all, /HELLO/)
  t.notRegex(all, /S3cretPass/)
})

test('redisStore({ client }): a client that the store has connected is closed with it, also after a failover', async (t) => {
  const [old, next] = await Promise.all([startRedis(), startRedis()])
  const address = await startTcpSwitch(old.port)
  t.teardown(async () => {
    address.stop()
    await Promise.all([old.stop(), next.stop()])
  })
  const client = createClient({ url: `redis://127.0.0.1:${address.port}` })
  client.on('error', () => {})
  const store = redisStore({ client, timeout: 1000 })
  const claim = () => store.claim(randomUUID())
  await claim()

  await old.use((replica) => replica.sendCommand(['REPLICAOF', '127.0.0.1', `${next.port}`]))
  address.leadTo(next.port)
  await t.throwsAsync(claim, { message: /READONLY/ })
  await until(() =>
    claim().then(
      () => true,
      () => false,
    ),
  )
  t.true(client.isOpen, 'the application may use it')
  await store.close?.()

  t.false(client.isOpen)
})
