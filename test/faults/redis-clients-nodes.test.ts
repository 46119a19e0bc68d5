/** Clusters and sentinels by the clients that are not those of cluster.test.ts and sentinel.test.ts: promises, and failovers under load. */
import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { redisStore } from '../../src/index.js'
import { storeContract } from '../../src/testing/index.js'
import { populate, testFailOver } from '../support/failover.js'
import { type AnyClient, CLUSTERS, SENTINELS } from '../support/redis-clients.js'
import { type RedisCluster, startCluster } from '../support/redis-cluster.js'
import { type RedisSentinel, startSentinel } from '../support/redis-sentinel.js'

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

const OTHERS = ['redis 5', 'ioredis 5', 'iovalkey']

for (const name of OTHERS) {
  test.serial(`redisStore({ client }): a cluster of ${name} keeps every promise of a store`, (t) =>
    keepsPromises(t, CLUSTERS[name]?.(cluster.urls) as AnyClient),
  )

  test.serial(`redisStore({ client }): sentinels by ${name}: it keeps every promise of a store`, (t) =>
    keepsPromises(t, SENTINELS[name]?.(sentinel.ports) as AnyClient),
  )
}

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
