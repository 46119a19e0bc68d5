/**
 * Each client on each server that docs/stores.md names, beside that of this machine. The servers are those of other releases of
 * Debian; where they cannot be had, the tests are skipped.
 */
import test, { type ExecutionContext } from 'ava'
import { createClient } from 'redis'
import { redisStore, type SessionStore } from '../../src/index.js'
import { storeContract } from '../../src/testing/index.js'
import { readPage } from '../docs/support/markdown.js'
import { type OwnRedis, startRedis } from '../support/redis.js'
import { CLIENTS } from '../support/redis-clients.js'
import { create } from '../support/store-contract.js'
import { until } from '../support/until.js'
import { type DebianServer, unpackServer } from './support/debian-server.js'

const LIBRARIES = [
  ...['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1', 'libcap2', 'libsystemd0', 'libzstd1', 'liblzf1'],
  ...['libjemalloc2', 'liblua5.1-0', 'lua-bitop', 'lua-cjson'],
]
const OF_BULLSEYE = ['libssl1.1', 'libhiredis0.14', 'libgcrypt20', 'libgpg-error0', 'liblzma5', 'liblz4-1']
const OF_TRIXIE = ['libssl3t64', 'libhiredis1.1.0']

const SERVERS: Record<string, DebianServer> = {
  'Redis 6.0.16': {
    release: 'bullseye',
    program: 'redis-server',
    packages: ['redis-server', 'redis-tools', ...LIBRARIES, ...OF_BULLSEYE],
  },
  'Redis 8.0.2': {
    release: 'trixie',
    program: 'redis-server',
    packages: ['redis-server', 'redis-tools', ...LIBRARIES, ...OF_TRIXIE],
  },
  'Valkey 8.1.1': {
    release: 'trixie',
    program: 'valkey-server',
    packages: ['valkey-server', 'valkey-tools', ...LIBRARIES, ...OF_TRIXIE],
  },
}

for (const [name, server] of Object.entries(SERVERS)) {
  test.serial(
    `redisStore(): ${name}: each client keeps every promise of a store, and the cache hears of changes`,
    async (t) => {
      t.timeout(300_000)
      const redis = await startOther(t, server)
      if (!redis) return void t.log('SKIPPED: it cannot be had here')
      const version = await versionOf(redis)
      t.is(version, name)
      const { url } = redis

      for (const [client, makeClient] of Object.entries(CLIENTS)) {
        const store = closed(t, redisStore({ client: makeClient(url), prefix: `${client}:`, timeout: 5000 }))
        t.deepEqual(await brokenPromises(store), [], client)
        t.deepEqual(await store.check?.(), [], client)
      }
      const cached = closed(t, redisStore({ url, timeout: 5000, cache: true }))
      t.deepEqual(await brokenPromises(cached), [])
      await hearsOfChanges(t, url)
    },
  )
}

// Later servers allow HELLO to everybody.
test.serial('redisStore({ url }): Redis 6.0.16: where an ACL denies HELLO, it speaks RESP 2', async (t) => {
  t.timeout(300_000)
  const redis = await startOther(t, SERVERS['Redis 6.0.16'] as DebianServer)
  if (!redis) return void t.log('SKIPPED: it cannot be had here')
  await redis.use(async (client) => {
    await client.aclSetUser('app', ['on', '>pass', '~*', '+@all', '-hello'])
    await client.aclSetUser('default', ['-hello'])
  })
  const store = closed(t, redisStore({ url: redis.url.replace('//', '//app:pass@'), timeout: 5000 }))

  await create(store)
  t.deepEqual(await store.check?.(), [])

  const speaking3 = createClient({ url: redis.url, socket: { reconnectStrategy: false } }).on(
    'error',
    () => {},
  )
  const [problem] = (await closed(t, redisStore({ client: speaking3, connectTimeout: 500 })).check?.()) ?? []
  t.regex(problem?.fix ?? '', /RESP: 2/)
})

test('docs/stores.md: it names these servers, and that of this machine', (t) => {
  const { text } = readPage('docs/stores.md')
  const [, redis = '', valkey = ''] = /^\| Redis ([\d., ]+); Valkey ([\d., ]+) \|/m.exec(text) ?? []
  const named = [
    ...redis.split(', ').map((version) => `Redis ${version}`),
    ...valkey.split(', ').map((version) => `Valkey ${version}`),
  ]
  t.deepEqual(named.filter((name) => name !== 'Redis 7.0.15').sort(), Object.keys(SERVERS).sort())
})

/** Starts a server of another release in the place of this machine's. */
async function startOther(t: ExecutionContext, server: DebianServer): Promise<OwnRedis | undefined> {
  const unpacked = await unpackServer(server)
  if (!unpacked) return undefined
  const { PATH } = process.env
  t.teardown(async () => {
    process.env.PATH = PATH
    await unpacked.remove()
  })
  process.env.PATH = `${unpacked.bin}:${PATH}`
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  return redis
}

async function versionOf(redis: OwnRedis): Promise<string> {
  const info = await redis.use((client) => client.info('server'))
  const [, valkey] = /^valkey_version:(\S+)/m.exec(info) ?? []
  const [, version] = /^redis_version:(\S+)/m.exec(info) ?? []
  return valkey ? `Valkey ${valkey}` : `Redis ${version}`
}

async function brokenPromises(store: SessionStore): Promise<string[]> {
  const results = await Promise.allSettled(storeContract.map(({ run }) => run(store)))
  return results.flatMap((result, n) =>
    result.status === 'rejected' ? [`${storeContract[n]?.name}: ${result.reason}`] : [],
  )
}

async function hearsOfChanges(t: ExecutionContext, url: string): Promise<void> {
  const settings = { url, timeout: 5000, cache: { maxAge: 60 } }
  const [one, other] = [closed(t, redisStore(settings)), closed(t, redisStore(settings))]
  const { id, user } = await create(one)
  await until(async () => {
    await one.read(id)
    return one.peek?.(id) !== undefined
  })

  await other.end(id, user)

  await until(() => one.peek?.(id) === undefined)
}

/** The same store, which is closed with the test. */
function closed(t: ExecutionContext, store: SessionStore): SessionStore {
  t.teardown(() => store.close?.())
  return store
}
