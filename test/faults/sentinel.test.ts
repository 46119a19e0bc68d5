import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { createSentinel, type RedisSentinelType } from 'redis'
import { redisStore } from '../../src/index.js'
import { populate, testFailOver } from '../support/failover.js'
import { type RedisSentinel, startSentinel } from '../support/redis-sentinel.js'
import { testStore } from '../support/store-contract.js'

let redis: RedisSentinel
let client: RedisSentinelType

test.before(async () => {
  redis = await startSentinel()
  const sentinelRootNodes = redis.ports.map((port) => ({ host: '127.0.0.1', port }))
  client = createSentinel({ name: 'mymaster', sentinelRootNodes })
  client.on('error', () => {})
  await client.connect()
})
test.after.always(async () => {
  await client?.destroy()
  await redis?.stop()
})

// One client for all, which has been through the failovers below: so many of them take seconds to make.
testStore(test, async () => redisStore({ client, prefix: `test:${randomUUID()}:`, timeout: 5000 }))

test.serial(
  'redisStore({ sentinel }): a master hangs under load: 503 in time until a replica serves, and nobody is logged out',
  async (t) => {
    await failOver(t, async () => {
      const thaw = await redis.freezeMaster()
      t.teardown(async () => {
        thaw()
        await redis.healed()
      })
    })
  },
)

test.serial(
  'redisStore({ sentinel }): a master is killed under load: 503 in time until a replica serves, and nobody is logged out',
  async (t) => {
    await failOver(t, () => redis.killMaster())
  },
)

test.serial(
  'redisStore({ sentinel }): a master hands over under load: nobody is logged out, and the new one is found',
  async (t) => {
    await failOver(t, () => redis.handOver(), { isPlanned: true })
  },
)

async function failOver(
  t: ExecutionContext,
  breakMaster: () => Promise<void>,
  options: { isPlanned?: boolean } = {},
): Promise<void> {
  const population = await populate(t, { sentinels: redis.ports })
  const master = await redis.master()
  await redis.replicated()
  t.teardown(redis.healed)

  await testFailOver(t, {
    population,
    isHit: () => true,
    breakMaster,
    promoted: () => redis.switched(master),
    ...options,
  })
}
