import type { RedisClient } from '../client.js'
import { createIoredisCluster, type IoredisCluster } from './ioredis-cluster.js'
import { createIoredisSingle, type IoredisSingle } from './ioredis-single.js'
import type { OwnClientUse } from './watch.js'

/**
 * A client of ioredis 5 or iovalkey: `new Redis(…)`, also with sentinels, or `new Cluster(…)`.
 *
 * @example
 * import { Redis } from 'ioredis'
 *
 * redisStore({ client: new Redis('redis://127.0.0.1:6379') })
 */
export interface IoredisClient {
  readonly status: string
  readonly options: object
  disconnect(): void
  get(key: string): Promise<string | null>
  pttl(key: string): Promise<number>
  evalsha(...args: never[]): Promise<unknown>
  duplicate(...args: never[]): object
}

/** Whether it has the methods of ioredis. redis 3 has some of them, and returns no promises. */
export function isIoredis(client: object): client is IoredisClient {
  const methods = ['call', 'disconnect', 'duplicate', 'evalsha', 'hgetall', 'pttl']
  return 'status' in client && methods.every((name) => typeof Reflect.get(client, name) === 'function')
}

/**
 * A client of the store's own, with the caller's settings, beside the caller's.
 *
 * ioredis keeps commands for a connection that is lost, and sends those again whose answer was lost with it: for twenty
 * connections, unless it is told otherwise. Our callers have given up by then, and do something else. Both are settings of
 * a client, and the caller's may need them.
 */
export async function createIoredis(given: IoredisClient, use: OwnClientUse): Promise<RedisClient> {
  const isCluster = 'isCluster' in given && given.isCluster === true
  return isCluster
    ? createIoredisCluster(given as object as IoredisCluster)
    : createIoredisSingle(given as object as IoredisSingle, use)
}
