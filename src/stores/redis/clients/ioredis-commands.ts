import type { RedisClient, ScriptOptions } from '../client.js'

/** The commands of ioredis that the store uses. With `keyPrefix`, ioredis puts that before each key. */
export interface IoredisCommands {
  get(key: string): Promise<string | null>
  pttl(key: string): Promise<number>
  hget(key: string, field: string): Promise<string | null>
  hdel(key: string, ...fields: string[]): Promise<number>
  hgetall(key: string): Promise<Record<string, string>>
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  evalsha(sha1: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
}

/** The same commands, with the names and arguments of node-redis. */
export function commandsOf(
  redis: IoredisCommands,
): Pick<RedisClient, 'get' | 'pTTL' | 'hGet' | 'hDel' | 'hGetAll' | 'eval' | 'evalSha'> {
  return {
    get: (key) => redis.get(key),
    pTTL: (key) => redis.pttl(key),
    hGet: (key, field) => redis.hget(key, field),
    hDel: (key, fields) => redis.hdel(key, ...fields),
    hGetAll: (key) => redis.hgetall(key),
    eval: (script, options) => redis.eval(script, ...scriptArguments(options)),
    evalSha: (sha1, options) => redis.evalsha(sha1, ...scriptArguments(options)),
  }
}

function scriptArguments(options: ScriptOptions): [number, ...string[]] {
  return [options.keys.length, ...options.keys, ...options.arguments]
}
