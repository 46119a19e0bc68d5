import test from 'ava'
import { redisStore } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { testStore } from './support/store-contract.js'

const redis = useRedis(test)

testStore(test, async (t) => {
  const store = redisStore({ ...redis().options, cache: true })
  t.teardown(() => store.close?.())
  return store
})
