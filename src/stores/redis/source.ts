/** What `redisStore()` is given: a client of the right kind, or a URL. */
import { optionError } from '../../util/option-error.js'
import type { RedisClient } from './client.js'
import { isCluster5, readyCluster } from './clients/cluster-5.js'
import { createIoredis, isIoredis } from './clients/ioredis.js'
import { ownClients } from './clients/own.js'
import { isPool, poolClient } from './clients/pool.js'
import type { OwnClients } from './clients/watch.js'
import { checkedUrl } from './url.js'

/** Where the connection of a store comes from. */
export type Source =
  /** The caller's client, which is used as it is. */
  | { kind: 'given'; client: RedisClient }
  /** Clients that the store makes: for a `url`, or beside a client that it cannot use as it is. */
  | ({ kind: 'own'; url?: string } & OwnClients)

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
export function sourceOf(options: object): Source {
  const { client, url } = options as { client?: unknown; url?: unknown }
  if (client !== undefined && client !== null && url !== undefined)
    throw optionError('redisStore() takes a { client } or a { url }, not both')
  if (client !== undefined) return sourceOfClient(client)
  const checked = checkedUrl(url)
  return { kind: 'own', ...ownClients(checked), url: checked }
}

/** The URL, if there is one. */
export function urlOf(source: Source): string | undefined {
  return source.kind === 'own' ? source.url : undefined
}

/** @throws {TypeError} for a client that cannot hear of changes */
export function checkCacheable(source: Source): void {
  if (urlOf(source) !== undefined) return
  if (source.kind === 'given' && 'duplicate' in source.client && !isPool(source.client)) return
  throw optionError(
    'redisStore({ cache }) needs a client that can be duplicated, and that hears of changes (RESP 3): a client, cluster or ' +
      'sentinel of the package redis, or a url',
  )
}

/** @throws {TypeError} for a client of another kind, which would fail at the first request */
function sourceOfClient(client: unknown): Source {
  const what = nameOf(client)
  if (what) throw optionError(`redisStore({ client }): ${what}`)
  const known = client as object
  if (isIoredis(known)) return { kind: 'own', make: (use) => createIoredis(known, use) }
  return { kind: 'given', client: usable(known as RedisClient) }
}

/** A client of node-redis, as the store can use it. */
function usable(client: RedisClient): RedisClient {
  if (isPool(client)) return poolClient(client)
  return isCluster5(client) ? readyCluster(client) : client
}

const INSTEAD =
  'give a client of the package redis, version 5 or 6 (createClient(), createClientPool(), createCluster(), createSentinel()), ' +
  'of ioredis 5 or iovalkey (Redis, Cluster), or a url'

/** What a client is, if it is none of ours, and what to do. */
function nameOf(client: unknown): string | undefined {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null)
    return `this is no client: ${INSTEAD}`
  const has = (name: string) => typeof Reflect.get(client, name) === 'function'

  if (has('then')) return 'this is a promise: await it first, or give the client that is not connected yet'
  if (isIoredis(client)) return undefined
  if (has('hgetall') && !has('hGetAll'))
    return `${has('send_command') ? 'redis 3' : 'ioredis 4 or earlier'} is not supported: ${INSTEAD}`
  if (has('acquire') && has('release'))
    return `a pool of another package is not supported, since one connection serves all requests: ${INSTEAD}`
  if (has('hGetAll') && has('disconnect') && !has('destroy')) return `redis 4 is not supported: ${INSTEAD}`
  const missing = METHODS.filter((name) => !has(name))
  if (missing.length > 0)
    return `this is no client of redis 5 or 6, it lacks ${missing.join(', ')}: ${INSTEAD}`
  // node-redis leaves it out of some commands of a cluster and a sentinel, and of what it says of changes.
  return Reflect.get(client, '_keyPrefix') ? `it has a keyPrefix: ${INSTEAD_OF_PREFIX}` : undefined
}

const INSTEAD_OF_PREFIX = 'put that before redisStore({ prefix }), and give a client without it'
