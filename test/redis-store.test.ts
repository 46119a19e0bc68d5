import test from 'ava'
import { redisStore } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { testStore } from './support/store-contract.js'

const redis = useRedis(test)

testStore(test, async (t) => {
  const { url, prefix } = redis()
  const store = redisStore({ url, prefix, timeout: 5000 })
  t.teardown(() => store.close?.())
  return store
})
