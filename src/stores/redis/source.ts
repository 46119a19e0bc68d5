/** What `redisStore()` is given: a client of the right kind, or a URL. */
import { optionError } from '../../util/option-error.js'
import type { RedisClient } from './client.js'

const METHODS = [
  'connect',
  'destroy',
  'on',
  'get',
  'pTTL',
  'hGet',
  'hDel',
  'hGetAll',
  'eval',
  'evalSha',
] as const satisfies (keyof RedisClient)[]

/** The client or the URL of the options, checked. */
export function sourceOf(options: object): RedisClient | string {
  const { client, url } = options as { client?: unknown; url?: unknown }
  if (client !== undefined && client !== null && url !== undefined)
    throw optionError('redisStore() takes a { client } or a { url }, not both')
  if (client !== undefined) return checkedClient(client)
  if (typeof url === 'string' && URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) return url
  throw optionError(
    'redisStore() needs a { client } of the redis package, or a { url } like redis://127.0.0.1:6379',
  )
}

/** @throws {TypeError} for a client of another kind, which would fail at the first request */
function checkedClient(client: unknown): RedisClient {
  const what = nameOf(client)
  if (what) throw optionError(`redisStore({ client }): ${what}`)
  return client as RedisClient
}

const INSTEAD =
  'give a client of the package redis, version 6 (createClient(), createCluster(), createSentinel()), or a url'

/** What a client is, if it is none of ours, and what to do. */
function nameOf(client: unknown): string | undefined {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null)
    return `this is no client: ${INSTEAD}`
  const has = (name: string) => typeof (client as Record<string, unknown>)[name] === 'function'

  if (has('then')) return 'this is a promise: await it first, or give the client that is not connected yet'
  if (has('hgetall') && !has('hGetAll'))
    return `${has('send_command') ? 'redis 3' : 'ioredis'} is not supported: ${INSTEAD}`
  if ('totalClients' in client || (has('acquire') && has('release')))
    return `a pool of clients is not supported, since one connection serves all requests: ${INSTEAD}`
  if (has('hGetAll') && has('disconnect') && !has('destroy')) return `redis 4 is not supported: ${INSTEAD}`
  const missing = METHODS.filter((name) => !has(name))
  return missing.length > 0
    ? `this is no client of redis 6, it lacks ${missing.join(', ')}: ${INSTEAD}`
    : undefined
}
