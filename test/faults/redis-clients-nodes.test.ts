/** Clusters and sentinels by the clients that are not those of cluster.test.ts and sentinel.test.ts: promises, and failovers under load. */
import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { Cluster, Redis } from 'ioredis'
import { createCluster, createSentinel, RESP_TYPES } from 'redis'
import * as redis5 from 'redis-5'
import { redisStore } from '../../src/index.js'
import { storeContract } from '../../src/testing/index.js'
import { populate, testFailOver } from '../support/failover.js'
import { type AnyClient, CLUSTERS, type Emitter, quiet, SENTINELS } from '../support/redis-clients.js'
import { type RedisCluster, startCluster } from '../support/redis-cluster.js'
import { RIGHTS, setUser } from '../support/redis-rights.js'
import { type RedisSentinel, startSentinel } from '../support/redis-sentinel.js'
import { create } from '../support/store-contract.js'

let cluster: RedisCluster
let sentinel: RedisSentinel

test.before(async () => {
  cluster = await startCluster()
  sentinel = await startSentinel()
})
test.after.always(async () => {
  await cluster?.stop()
  await sentinel?.stop()
})

const APP = { username: 'app', password: 'pass' }

const OTHERS = ['redis 5', 'ioredis 5', 'iovalkey']

for (const name of OTHERS) {
  test.serial(`redisStore({ client }): a cluster of ${name} keeps every promise of a store`, (t) =>
    keepsPromises(t, CLUSTERS[name]?.(cluster.urls) as AnyClient),
  )

  test.serial(`redisStore({ client }): sentinels by ${name}: it keeps every promise of a store`, (t) =>
    keepsPromises(t, SENTINELS[name]?.(sentinel.ports) as AnyClient),
  )
}

const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String }
const commandOptions = { typeMapping }
// Not in their types, and taken all the same.
const unseen = { commandOptions } as object
const nodesOf = (urls: string[]) => ({ rootNodes: urls.map((url) => ({ url })) })
const MAPPED: Record<string, () => Emitter> = {
  'a cluster of redis 6': () => createCluster({ ...nodesOf(cluster.urls), commandOptions }),
  'a cluster of redis 6 by defaults': () => createCluster({ ...nodesOf(cluster.urls), defaults: unseen }),
  'a cluster of redis 5': () => redis5.createCluster({ ...nodesOf(cluster.urls), commandOptions }),
  'a cluster of redis 5 by defaults, RESP 3': () =>
    redis5.createCluster({ ...nodesOf(cluster.urls), RESP: 3, defaults: unseen }),
  'a cluster of redis 5 by withTypeMapping()': () =>
    redis5.createCluster({ ...nodesOf(cluster.urls), useReplicas: true }).withTypeMapping(typeMapping),
  'a sentinel of redis 6': () => createSentinel({ ...named(), nodeClientOptions: unseen }),
  'a sentinel of redis 6 by withTypeMapping()': () => createSentinel(named()).withTypeMapping(typeMapping),
  'a sentinel of redis 5': () => redis5.createSentinel({ ...named(), nodeClientOptions: unseen }),
  'a sentinel of redis 5, RESP 3, with replicas': () =>
    redis5.createSentinel({ ...named(), RESP: 3, replicaPoolSize: 1, commandOptions }),
}

for (const [name, makeClient] of Object.entries(MAPPED)) {
  test.serial(`redisStore({ client }): ${name}, replies in bytes: settings for commands do not matter`, (t) =>
    keepsPromises(t, quiet(makeClient()) as unknown as AnyClient),
  )
}

function named() {
  return { name: 'mymaster', sentinelRootNodes: nodesAt(sentinel.ports) }
}

/** As `app`, a user of Redis with few rights. */
const CLUSTERS_AS_APP: Record<string, (urls: string[]) => AnyClient> = {
  'redis 6': (urls) =>
    createCluster({ rootNodes: asApp(urls), defaults: { ...APP, disableOfflineQueue: true } }),
  'redis 5': (urls) => redis5.createCluster({ rootNodes: asApp(urls), defaults: APP }),
  'ioredis 5': (urls) => new Cluster(urls, { lazyConnect: true, redisOptions: APP }),
}
const SENTINELS_AS_APP: Record<string, (ports: number[]) => AnyClient> = {
  'redis 6': (ports) =>
    createSentinel({
      ...{ name: 'mymaster', sentinelRootNodes: nodesAt(ports) },
      ...{ nodeClientOptions: APP, sentinelClientOptions: APP },
    }),
  'redis 5': (ports) =>
    redis5.createSentinel({
      ...{ name: 'mymaster', sentinelRootNodes: nodesAt(ports) },
      ...{ nodeClientOptions: APP, sentinelClientOptions: APP },
    }),
  'ioredis 5': (ports) =>
    new Redis({
      ...{ ...APP, name: 'mymaster', sentinels: nodesAt(ports), lazyConnect: true },
      ...{ sentinelUsername: APP.username, sentinelPassword: APP.password },
    }),
}

for (const [name, makeClient] of Object.entries(CLUSTERS_AS_APP)) {
  test.serial(`docs/stores.md: the rights that it lists for a cluster of ${name} are enough`, async (t) => {
    const feature = name.startsWith('redis')
      ? 'a cluster of redis 5 or 6'
      : 'a cluster of ioredis or iovalkey'
    const rights = [...(RIGHTS.get('every store') ?? []), ...(RIGHTS.get(feature) ?? [])]
    await Promise.all(cluster.urls.map((url) => setUser(url, APP.username, rights)))
    await isEnough(t, makeClient(cluster.urls))
  })
}

for (const [name, makeClient] of Object.entries(SENTINELS_AS_APP)) {
  test.serial(`docs/stores.md: the rights that it lists for sentinels are enough, by ${name}`, async (t) => {
    const ofSentinels = RIGHTS.get('Sentinel, on the sentinels') ?? []
    const sentinels = nodesAt(sentinel.ports).map(({ port }) => `redis://127.0.0.1:${port}`)
    await Promise.all(sentinels.map((url) => setUser(url, APP.username, ofSentinels)))
    const master = `redis://127.0.0.1:${await sentinel.master()}`
    await setUser(master, APP.username, RIGHTS.get('every store') ?? [])
    await isEnough(t, makeClient(sentinel.ports))
  })
}

test.serial(
  'redisStore({ client }): a cluster of ioredis 5 with scaleReads: it reads where it has written',
  async (t) => {
    const store = redisStore({
      client: new Cluster(cluster.urls, { lazyConnect: true, scaleReads: 'slave' }),
      prefix: `test:${randomUUID()}:`,
      timeout: 1000,
    })
    t.teardown(() => store.close?.())
    await create(store)
    const thaw = (await cluster.replicas()).map((node) => cluster.freeze(node))
    t.teardown(async () => {
      for (const go of thaw) go()
      await cluster.healed()
    })

    for (let n = 0; n < 20; n++) {
      const { id, user } = await create(store)
      t.is((await store.read(id))?.state, 'session')
      await store.end(id, user)
      t.is((await store.read(id))?.state, 'ended')
    }
  },
)

for (const library of OTHERS) {
  test.serial(
    `redisStore({ client }): a cluster of ${library}: a master is killed under load: 503 in time until a replica serves, others go on`,
    async (t) => {
      const population = await populate(t, { cluster: cluster.urls, library })
      const victim = await cluster.masterOf(population.sessions[0]?.key ?? '')
      const masters = await Promise.all(population.sessions.map(({ key }) => cluster.masterOf(key)))
      const hit = new Set(population.sessions.filter((_, n) => masters[n] === victim))
      await cluster.replicated()
      t.teardown(async () => {
        await cluster.healed()
        await cluster.restart(victim)
        await cluster.healed()
      })

      await testFailOver(t, {
        population,
        isHit: (session) => hit.has(session),
        breakMaster: () => cluster.kill(victim),
        promoted: cluster.healed,
      })
    },
  )

  test.serial(
    `redisStore({ client }): sentinels by ${library}: a master is killed under load: 503 in time until a replica serves`,
    async (t) => {
      await failOver(t, library, (redis) => redis.killMaster())
    },
  )
}

test.serial(
  'redisStore({ client }): sentinels by ioredis 5: a master hangs under load: 503 in time until a replica serves',
  async (t) => {
    await failOver(t, 'ioredis 5', async (redis) => {
      const thaw = await redis.freezeMaster()
      t.teardown(thaw)
    })
  },
)

test.serial(
  'redisStore({ client }): sentinels by ioredis 5: a master hands over under load: nobody is logged out',
  async (t) => {
    await failOver(t, 'ioredis 5', (redis) => redis.handOver(), { isPlanned: true })
  },
)

test.serial(
  'redisStore({ client }): a cluster of ioredis 5: a master hands over under load: nobody is logged out, and others go on',
  async (t) => {
    const population = await populate(t, { cluster: cluster.urls, library: 'ioredis 5' })
    const leaving = await cluster.masterOf(population.sessions[0]?.key ?? '')
    const masters = await Promise.all(population.sessions.map(({ key }) => cluster.masterOf(key)))
    const hit = new Set(population.sessions.filter((_, n) => masters[n] === leaving))
    await cluster.replicated()

    await testFailOver(t, {
      population,
      isHit: (session) => hit.has(session),
      breakMaster: () => cluster.handOver(leaving),
      promoted: cluster.healed,
      isPlanned: true,
    })
  },
)

/** A store of a client does what it has to, and finds nothing wrong. */
async function isEnough(t: ExecutionContext, client: AnyClient): Promise<void> {
  if ('on' in client) client.on('error', () => {})
  const store = redisStore({ client, timeout: 5000 })
  t.teardown(() => store.close?.())

  const { id, user } = await create(store)
  await store.end(id, user)

  t.deepEqual(await store.read(id), { state: 'ended' })
  t.deepEqual(await store.check?.(), [])
}

function asApp(urls: string[]): { url: string }[] {
  return urls.map((url) => ({ url: url.replace('//', `//${APP.username}:${APP.password}@`) }))
}

function nodesAt(ports: number[]): { host: string; port: number }[] {
  return ports.map((port) => ({ host: '127.0.0.1', port }))
}

async function keepsPromises(t: ExecutionContext, client: AnyClient): Promise<void> {
  const store = redisStore({ client, prefix: `test:${randomUUID()}:`, timeout: 5000 })
  t.teardown(() => store.close?.())

  const results = await Promise.allSettled(storeContract.map(({ run }) => run(store)))

  const broken = results.flatMap((result, n) =>
    result.status === 'rejected' ? [`${storeContract[n]?.name}: ${result.reason}`] : [],
  )
  t.deepEqual(broken, [])
  t.deepEqual(await store.check?.(), [])
}

async function failOver(
  t: ExecutionContext,
  library: string,
  breakMaster: (redis: RedisSentinel) => Promise<void>,
  options: { isPlanned?: boolean } = {},
): Promise<void> {
  // Of its own: a killed master stays dead.
  const redis = await startSentinel()
  t.teardown(redis.stop)
  const population = await populate(t, { sentinels: redis.ports, library })
  const master = await redis.master()
  await redis.replicated()

  await testFailOver(t, {
    population,
    isHit: () => true,
    breakMaster: () => breakMaster(redis),
    promoted: () => redis.switched(master),
    ...options,
  })
}
