/** What servers and their ACLs deny, databases in URLs, TLS: with real servers that are set up so. */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { redisStore, type SessionStore } from '../src/index.js'
import {
  freePort,
  NOTHING_KEPT,
  newFolder,
  type OwnRedis,
  runRedis,
  startRedis,
  untilReady,
} from './support/redis.js'
import { CLIENTS } from './support/redis-clients.js'
import { RIGHTS, setUser } from './support/redis-rights.js'
import { runScript } from './support/run-script.js'
import { create, newId } from './support/store-contract.js'
import { until } from './support/until.js'

const EVERY_STORE = RIGHTS.get('every store') ?? []

let redis: OwnRedis

test.before(async () => {
  redis = await startRedis()
})
test.after.always(() => redis?.stop())

test('docs/stores.md: it has the rights of each feature', (t) => {
  t.deepEqual(
    [...RIGHTS.keys()],
    [
      'every store',
      'scripts by their hash',
      '`redisStore({ url })`',
      'ioredis, iovalkey',
      '`cache`',
      'a cluster of redis 5 or 6',
      'a cluster of ioredis or iovalkey',
      'Sentinel, on the sentinels',
    ],
  )
})

test('redisStore({ client }): the rights of every store are enough, on the keys of its prefix', async (t) => {
  const url = await userWith(EVERY_STORE)
  for (const makeClient of Object.values(CLIENTS)) {
    const store = closed(t, redisStore({ client: makeClient(url), timeout: 5000 }))
    await doesEverything(store)
    t.deepEqual(await store.check?.(), [])
  }
})

test('redisStore({ url }): the rights of every store are enough', async (t) => {
  const store = closed(t, redisStore({ url: await userWith(EVERY_STORE), timeout: 5000 }))

  await doesEverything(store)

  t.deepEqual(await store.check?.(), [])
})

for (const denied of ['set', 'eval', 'hgetall', 'pexpire', 'time']) {
  test(`check(): without ${denied.toUpperCase()} it says so`, async (t) => {
    const url = await userWith(EVERY_STORE.filter((command) => command !== denied))
    const store = closed(t, redisStore({ url, timeout: 5000 }))

    const [problem] = (await store.check?.()) ?? []

    t.is(problem?.code, 'WEAPP_REDIS_NOPERM')
    t.regex(problem?.message ?? '', new RegExp(denied, 'i'))
  })
}

test('redisStore({ cache }): with its rights a session is kept, and the change of another process is heard', async (t) => {
  const url = await userWith([...EVERY_STORE, ...(RIGHTS.get('`cache`') ?? [])])
  const settings = { url, timeout: 5000, cache: true }
  const [one, other] = [closed(t, redisStore(settings)), closed(t, redisStore(settings))]
  const { id, user } = await create(one)

  await until(async () => {
    await one.read(id)
    return one.peek?.(id) !== undefined
  })
  await other.end(id, user)

  await until(() => one.peek?.(id) === undefined)
  t.deepEqual(await one.read(id), { state: 'ended' })
})

test('redisStore(): with EVALSHA denied, scripts are sent whole, and EVALSHA is not tried again', async (t) => {
  const url = await userWith(EVERY_STORE)
  const store = closed(t, redisStore({ url, timeout: 5000 }))

  for (let n = 0; n < 5; n++) await create(store)

  const log = await redis.use((client) => client.aclLog(128))
  const mine = log.filter(
    ({ object, username }) => object === 'evalsha' && username === new URL(url).username,
  )
  t.deepEqual(
    mine.map(({ count }) => count),
    [1],
  )
})

test('redisStore({ url }): a server without HELLO is spoken to in RESP 2, with a password too', async (t) => {
  const { port } = await withoutHello(t, ['--requirepass', 'right'])

  const store = closed(t, redisStore({ url: `redis://:right@127.0.0.1:${port}`, timeout: 5000 }))

  t.is((await create(store)).record.rev, 0)
  t.deepEqual(await store.check?.(), [])
})

test('redisStore({ client }): a server without HELLO: ioredis and RESP: 2 work, and of RESP 3 it is said', async (t) => {
  const { url } = await withoutHello(t)
  const clients = [
    new Redis(url, { lazyConnect: true }),
    createClient({ url, RESP: 2 }).on('error', () => {}),
  ]
  for (const client of clients)
    t.truthy(await create(closed(t, redisStore({ client, prefix: 'a:', timeout: 5000 }))))

  const speaking3 = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {})
  const store = closed(t, redisStore({ client: speaking3, connectTimeout: 500 }))
  const [problem] = (await store.check?.()) ?? []

  t.regex(problem?.fix ?? '', /RESP: 2/)
})

for (const written of ['/2', '?db=2', '/2?db=2', '/?db=2'])
  test(`redisStore({ url }): ${written} is database 2`, async (t) => {
    const redis = await ownRedis(t)
    const store = closed(t, redisStore({ url: redis.url + written, timeout: 5000 }))

    await create(store)

    t.deepEqual(await databasesOf(redis), ['db2'])
  })

test('redisStore({ client }): ioredis: its database, its prefix and its password are those of its settings', async (t) => {
  const redis = await ownRedis(t)
  await redis.use((client) => client.configSet('requirepass', 'right'))
  const locked = { ...redis, url: redis.url.replace('//', '//:right@') }
  const client = new Redis(`${locked.url}/3`, {
    lazyConnect: true,
    keyPrefix: 'app:',
    // What would change the answers.
    stringNumbers: true,
    enableAutoPipelining: true,
    commandTimeout: 1,
  })
  const store = closed(t, redisStore({ client, prefix: 'mine:', timeout: 5000 }))

  await create(store)

  const admin = createClient({ url: `${locked.url}/3` })
  await admin.connect()
  t.teardown(() => admin.destroy())
  const keys = await admin.keys('*')
  t.true(keys.length > 0)
  for (const key of keys) t.regex(key, /^app:mine:[su]:/)
  t.deepEqual(await admin.dbSize(), keys.length)
  t.is(client.status, 'wait', 'the application’s own client is left to it')
})

test('redisStore({ client }): ioredis: a database that is not there is said, and never database 0', async (t) => {
  const redis = await ownRedis(t)
  const client = new Redis(`${redis.url}/99`, { lazyConnect: true })
  const store = closed(t, redisStore({ client, connectTimeout: 500 }))

  await t.throwsAsync(store.claim('code'), { message: /DB index is out of range/ })
  await t.throwsAsync(store.claim('code'), { message: /DB index is out of range/ })

  t.deepEqual(await databasesOf(redis), [])
  const [problem] = (await store.check?.()) ?? []
  t.regex(problem?.fix ?? '', /database/)
})

test('redisStore(): TLS with an own authority: by a client’s settings, and by NODE_EXTRA_CA_CERTS', async (t) => {
  const { url, ca, file } = await withTls(t)
  const clients = [
    createClient({ url, socket: { tls: true, ca } }).on('error', () => {}),
    new Redis(url, { lazyConnect: true, tls: { ca } }),
  ]
  for (const client of clients) t.truthy(await create(closed(t, redisStore({ client, timeout: 5000 }))))

  const script = `const store = redisStore({ url: '${url}', timeout: 5000 })
    if ((await store.claim('code')).state !== 'granted') process.exit(2)
    await store.close()`
  t.is((await runScript(t, script, { NODE_EXTRA_CA_CERTS: file })).code, 0)
})

test('redisStore(): TLS with an authority that nobody knows is said', async (t) => {
  const { url } = await withTls(t)
  for (const options of [{ url }, { client: new Redis(url, { lazyConnect: true }) }]) {
    const store = closed(t, redisStore({ ...options, connectTimeout: 500 }))
    await t.throwsAsync(store.claim('code'), { message: /self-signed|unable to verify/ })
  }
})

async function ownRedis(t: ExecutionContext): Promise<OwnRedis> {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  return redis
}

/** The URL of a user who may run these commands on the keys of the prefix, and no others. */
async function userWith(commands: string[]): Promise<string> {
  const name = `user-${randomUUID()}`
  await setUser(redis.url, name, commands)
  return redis.url.replace('//', `//${name}:pass@`)
}

/** What stores do with Redis, each command at least once. */
async function doesEverything(store: SessionStore): Promise<void> {
  const { id, user, record } = await create(store)
  await store.read(id)
  await store.update(id, { ...record, data: { n: 1 } })
  await store.renew(id, user, record.expires + 1000)
  await store.list(user)
  const taking = { id, user, token: 'token', successor: newId() }
  await store.take(taking)
  await store.putBack(taking)
  await store.end(id, user)
  await store.revoke(user)
}

/** The same store, which is closed with the test. */
function closed(t: ExecutionContext, store: SessionStore): SessionStore {
  t.teardown(() => store.close?.())
  return store
}

/** Those that have keys. */
async function databasesOf(redis: OwnRedis): Promise<string[]> {
  const keyspace = await redis.use((client) => client.info('keyspace'))
  return [...keyspace.matchAll(/^(db\d+):/gm)].map(([, name = '']) => name)
}

/** A server as old ones are, and some proxies. */
async function withoutHello(t: ExecutionContext, settings: string[] = []) {
  const port = await freePort()
  const dir = newFolder()
  const { end } = runRedis([
    ...['--port', `${port}`, '--dir', dir, '--rename-command', 'HELLO', '', ...NOTHING_KEPT],
    ...settings,
  ])
  t.teardown(async () => {
    await end()
    rmSync(dir, { recursive: true, force: true })
  })
  const url = `redis://127.0.0.1:${port}`
  await until(async () => {
    const probe = new Redis(url, { lazyConnect: true, retryStrategy: null, enableReadyCheck: false })
    probe.on('error', () => {})
    const isThere = await probe.connect().then(
      () => true,
      () => false,
    )
    probe.disconnect()
    return isThere
  })
  return { port, url }
}

/** A server that speaks TLS, with a certificate that it has made itself. */
async function withTls(t: ExecutionContext): Promise<{ url: string; ca: string; file: string }> {
  const [port, plain] = [await freePort(), await freePort()]
  const dir = newFolder()
  const [key, file] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-nodes', '-days', '2', ...subject, '-keyout', key, '-out', file],
    { stdio: 'ignore' },
  )
  const certificates = ['--tls-cert-file', file, '--tls-key-file', key, '--tls-auth-clients', 'no']
  const ports = ['--port', `${plain}`, '--tls-port', `${port}`, '--dir', dir]
  const { end } = runRedis([...ports, ...certificates, ...NOTHING_KEPT])
  t.teardown(async () => {
    await end()
    rmSync(dir, { recursive: true, force: true })
  })
  await untilReady(`redis://127.0.0.1:${plain}`)
  return { url: `rediss://127.0.0.1:${port}`, ca: readFileSync(file, 'utf8'), file }
}
