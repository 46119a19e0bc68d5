import test from 'ava'
import { redisStore } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { testExpiry, testStore } from './support/store-contract.js'

const redis = useRedis(test)

testStore(test, async (t) => {
  const store = redisStore(redis().options)
  t.teardown(() => store.close?.())
  return store
})

testExpiry(test, async (t) => {
  const own = redis()
  const store = redisStore(own.options)
  t.teardown(() => store.close?.())
  return { store, redis: own }
})
