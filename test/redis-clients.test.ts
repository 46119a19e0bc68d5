/** What every store promises, with each client that `redisStore({ client })` takes. Clusters and sentinels: test/faults/. */
import test from 'ava'
import { redisStore } from '../src/index.js'
import { storeContract } from '../src/testing/index.js'
import { useRedis } from './support/redis.js'
import { CLIENTS } from './support/redis-clients.js'

const redis = useRedis(test)

for (const [name, makeClient] of Object.entries(CLIENTS)) {
  // One after the other: they are about milliseconds.
  test.serial(`redisStore({ client }): ${name} keeps every promise of a store`, async (t) => {
    const { url, prefix } = redis()
    const store = redisStore({ client: makeClient(url), prefix, timeout: 5000 })
    t.teardown(() => store.close?.())

    const results = await Promise.allSettled(storeContract.map(({ run }) => run(store)))

    const broken = results.flatMap((result, n) =>
      result.status === 'rejected' ? [`${storeContract[n]?.name}: ${result.reason}`] : [],
    )
    t.deepEqual(broken, [])
    t.deepEqual(await store.check?.(), [])
  })
}
