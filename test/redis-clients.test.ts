/** What every store promises, with each client that `redisStore({ client })` takes. Clusters and sentinels: test/faults/. */
import test, { type ExecutionContext } from 'ava'
import { createClient, createClientPool, RESP_TYPES } from 'redis'
import * as redis5 from 'redis-5'
import { redisStore } from '../src/index.js'
import { storeContract } from '../src/testing/index.js'
import { useRedis } from './support/redis.js'
import { type AnyClient, CLIENTS, type Emitter, quiet } from './support/redis-clients.js'

const redis = useRedis(test)

for (const [name, makeClient] of Object.entries(CLIENTS)) {
  // One after the other: they are about milliseconds.
  test.serial(`redisStore({ client }): ${name} keeps every promise of a store`, (t) =>
    keepsPromises(t, makeClient(redis().url)),
  )
}

/** Settings that a caller may have for commands of its own, none of which is ours. */
const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String }
const SETTINGS: Record<string, (url: string) => Emitter> = {
  'redis 6, replies in bytes': (url) => createClient({ url, commandOptions: { typeMapping } }),
  'redis 6, withTypeMapping()': (url) => createClient({ url, RESP: 2 }).withTypeMapping(typeMapping),
  'redis 6, withAbortSignal()': (url) => createClient({ url }).withAbortSignal(AbortSignal.abort()),
  'redis 6, asap': (url) => createClient({ url }).withCommandOptions({ asap: true, timeout: 1 }),
  'redis 6, a pool, replies in bytes': (url) => createClientPool({ url, commandOptions: { typeMapping } }),
  'redis 6, a pool, withTypeMapping()': (url) => createClientPool({ url }).withTypeMapping(typeMapping),
  'redis 5, replies in bytes': (url) => redis5.createClient({ url, commandOptions: { typeMapping } }),
  'redis 5, withTypeMapping()': (url) => redis5.createClient({ url, RESP: 3 }).withTypeMapping(typeMapping),
  'redis 5, withAbortSignal()': (url) => redis5.createClient({ url }).withAbortSignal(AbortSignal.abort()),
  'redis 5, a pool, replies in bytes': (url) =>
    redis5.createClientPool({ url, commandOptions: { typeMapping } }),
  'redis 5, a pool, withTypeMapping()': (url) =>
    redis5.createClientPool({ url }).withTypeMapping(typeMapping),
}

for (const [name, makeClient] of Object.entries(SETTINGS)) {
  test.serial(`redisStore({ client }): ${name}: the caller's settings for commands do not matter`, (t) =>
    keepsPromises(t, quiet(makeClient(redis().url)) as unknown as AnyClient),
  )
}

async function keepsPromises(t: ExecutionContext, client: AnyClient): Promise<void> {
  const store = redisStore({ client, prefix: redis().prefix, timeout: 5000 })
  t.teardown(() => store.close?.())

  const results = await Promise.allSettled(storeContract.map(({ run }) => run(store)))

  const broken = results.flatMap((result, n) =>
    result.status === 'rejected' ? [`${storeContract[n]?.name}: ${result.reason}`] : [],
  )
  t.deepEqual(broken, [])
  t.deepEqual(await store.check?.(), [])
}
