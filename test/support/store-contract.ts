import type { ExecutionContext, TestFn } from 'ava'
import type { SessionStore } from '../../src/stores/store.js'
import { type StoredEntry, storeContract, storeExpiryContract } from '../../src/testing/index.js'
import type { Redis } from './redis.js'

export { type Created, create, newId, newRecord } from '../../src/testing/contract/support.js'

/** What every store promises, as tests: the same for all of them, and for those that others write. */
export function testStore(test: TestFn, makeStore: (t: ExecutionContext) => Promise<SessionStore>): void {
  for (const { name, run } of storeContract) {
    test(`contract: ${name}`, async (t) => {
      const store = await makeStore(t)
      await t.notThrowsAsync(() => run(store))
    })
  }
}

/** How long every store keeps what it writes, as tests: on stores over a Redis, which is asked. */
export function testExpiry(
  test: TestFn,
  makeStore: (t: ExecutionContext) => Promise<{ store: SessionStore; redis: Redis }>,
): void {
  for (const { name, run } of storeExpiryContract) {
    test(`contract: ${name}`, async (t) => {
      const { store, redis } = await makeStore(t)
      await t.notThrowsAsync(() => run(store, () => kept(redis)))
    })
  }
}

async function kept(redis: Redis): Promise<StoredEntry[]> {
  const entries = await redis.entries()
  return entries.map(({ key, ttl }) => ({ key, ttl: ttl === -1 ? Number.POSITIVE_INFINITY : ttl }))
}
