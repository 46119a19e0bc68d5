import type { ExecutionContext } from 'ava'
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import type { Redis } from './redis.js'

/** The store of connect-redis, with a client of its own; ends with the test. */
export async function connectRedis(t: ExecutionContext, { url, prefix }: Redis): Promise<RedisStore> {
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.destroy())
  return new RedisStore({ client, prefix })
}
