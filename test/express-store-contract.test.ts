import test, { type ExecutionContext, type TestFn } from 'ava'
import session from 'express-session'
import { fromExpressStore } from '../src/stores/express/store.js'
import { connectRedis } from './support/connect-redis.js'
import { useRedis } from './support/redis.js'
import { testExpiry, testStore } from './support/store-contract.js'

const redis = useRedis(test)

/** The machine is busy with other tests. */
const PATIENT = { timeout: 20_000 }

testStore(named('MemoryStore'), async () => fromExpressStore(new session.MemoryStore(), PATIENT))
testStore(named('connect-redis'), async (t) => fromExpressStore(await connectRedis(t, redis()), PATIENT))
testExpiry(named('connect-redis'), async (t) => {
  const own = redis()
  return { store: fromExpressStore(await connectRedis(t, own), PATIENT), redis: own }
})

function named(store: string): TestFn {
  const of = (title: string, body: (t: ExecutionContext) => unknown) =>
    test(`fromExpressStore(${store}): ${title}`, (t) => body(t))
  return of as TestFn
}
