import { checkOptions, optionError } from '../../util/option-error.js'
import { parseRefusal } from '../shape.js'
import { CODE_MEMORY, type Entry, LIST_MAX, type SessionRecord, type SessionStore } from '../store.js'
import { type RedisCache, type RedisCacheOptions, redisCache } from './cache.js'
import type { RedisClient } from './client.js'
import { lifeOf, parseSession, parseTaken, printParts } from './codec.js'
import { type Connection, connectionTo } from './connection.js'
import { redisEnds } from './ends.js'
import { tracking } from './invalidations.js'
import { redisLogins } from './logins.js'
import { revocationOrder } from './revocations.js'
import { runner } from './run.js'
import { RENEW, RENEW_ENROLMENT, UPDATE } from './scripts.js'

interface CommonOptions {
  /** Goes before every key, and so stands in Redis twice for each user. Default `wxs:`. */
  prefix?: string
  /** ms for one store call; then the answer is ERR_STORE_UNAVAILABLE. Default 250. */
  timeout?: number
  /**
   * Keeps sessions that are used in this process's memory, where Redis says when they change (CLIENT TRACKING, Redis 6
   * and later): for a Redis that is far, or busy. It takes one more connection to each master. Default false.
   */
  cache?: boolean | RedisCacheOptions
}

/** Options of {@link redisStore}: a client, or where it can be made one to. */
export type RedisStoreOptions = CommonOptions &
  (
    | {
        /** A client, cluster or sentinel of node-redis 6. One that is not connected by the first call is connected. */
        client: RedisClient
      }
    | {
        /** Makes a client of its own, with settings that fail fast: `redis://…`, `rediss://…`. */
        url: string
      }
  )

/**
 * Keeps sessions in Redis: for several processes, and across restarts. Keys are hashes, each key expires, and
 * the session_key in a record is sealed.
 *
 * @throws {TypeError} when there is neither a client nor a url, or an option makes no sense
 *
 * @example
 * weappSession({ appId, appSecret, store: redisStore({ url: 'redis://127.0.0.1:6379' }) })
 */
export function redisStore(options: RedisStoreOptions): SessionStore {
  checkOptions('redisStore', options, ['client', 'url', 'prefix', 'timeout', 'cache'])
  const { prefix = 'wxs:', timeout = 250, cache: wanted = false } = options
  if (!Number.isFinite(timeout) || timeout <= 0) {
    throw optionError('redisStore({ timeout }) must be a positive number of ms')
  }
  const connection = connect(options, timeout)
  if (wanted && 'client' in options && !('duplicate' in options.client)) {
    throw optionError(
      'redisStore({ cache }) needs a client that can be duplicated: a client, cluster or sentinel of redis 6',
    )
  }
  const cache = wanted ? redisCache(wanted) : undefined
  const tracked = tracking((key) => cache?.forget(key?.slice(prefix.length + 2)))
  const keys = {
    session: (id: string) => `${prefix}s:${id}`,
    user: (user: string) => `${prefix}u:${user}`,
  }
  const run = runner(connection)
  const revocations = revocationOrder(() => !connection.isCluster())
  const { endAll, leave, retract, ...ends } = redisEnds({
    connection,
    run,
    keys,
    revocations,
    forget: (id) => cache?.forget(id),
  })

  return {
    timeout,

    ...(cache && { peek: cache.peek }),

    async read(id) {
      const ready = connection.client()
      const client = ready instanceof Promise ? await ready : ready
      const reader = cache && tracked.reader(client)
      if (reader && cache.isKnown(id) && !cache.isStuck(timeout / 4))
        return readAndKeep(cache, reader, client, id)
      const value = await client.get(keys.session(id))
      const record = parseSession(value)
      cache?.noticed(id, record)
      return record ? entryOfSession(record) : entryOf(client, id, value)
    },

    ...redisLogins({
      connection,
      run,
      keys,
      entryOf,
      revocations,
      ends: { endAll, leave, retract },
    }),
    ...ends,

    async update(id, record) {
      const result = await run(UPDATE, keys.session(id), [record.rev, printParts(record)])
      cache?.forget(id)
      return result as 'saved' | 'conflict' | 'ended'
    },

    async renew(id, user, expires) {
      const life = lifeOf(expires)
      const isEnrolled = await run(RENEW_ENROLMENT, keys.user(user), [id, life])
      if (isEnrolled) await run(RENEW, keys.session(id), [expires, Math.max(life, CODE_MEMORY), Date.now()])
      cache?.forget(id)
    },

    async list(user) {
      const client = await connection.client()
      const { revoked: _, ...enrolments } = await client.hGetAll(keys.user(user))
      const last = (id: string) => Math.abs(Number(enrolments[id]))
      const ids = Object.keys(enrolments).sort((a, b) => last(b) - last(a))
      const read = async (id: string) => ({ id, record: parseSession(await client.get(keys.session(id))) })
      const stored = await Promise.all(ids.slice(0, LIST_MAX).map(read))
      const live = stored.flatMap(({ id, record }) =>
        record && record.expires > Date.now() ? { id, record } : [],
      )
      return live.sort((a, b) => b.record.created - a.record.created)
    },

    async close() {
      tracked.close()
      await connection.close()
    },
  }

  async function readAndKeep(
    cache: RedisCache,
    reader: RedisClient,
    client: RedisClient,
    id: string,
  ): Promise<Entry | undefined> {
    const reading = cache.begin(id)
    // Its connection is another one, and perhaps not in the same database: only what it finds is believed.
    const record = await reader.get(keys.session(id)).then(parseSession, () => undefined)
    reading.found(record)
    return record ? entryOfSession(record) : entryOf(client, id, await client.get(keys.session(id)))
  }

  /** What stands under a session key. A value that none of us wrote is "not found". */
  async function entryOf(client: RedisClient, id: string, value: string | null): Promise<Entry | undefined> {
    const record = parseSession(value)
    if (record) return entryOfSession(record)
    if (value === 'used') return { state: 'used' }
    if (value?.startsWith('ended')) return { state: 'ended' }
    if (value?.startsWith('refused ')) return { state: 'refused', refusal: parseRefusal(value.slice(8)) }
    // The key's own age, which no clock but Redis's has a say in.
    const age = async () => CODE_MEMORY - (await client.pTTL(keys.session(id)))
    if (value?.startsWith('claim ')) return { state: 'claimed', age: await age(), token: value }
    const taken = parseTaken(value)
    if (!taken) return undefined
    return taken.record.expires > Date.now()
      ? { state: 'taken', ...taken, age: await age() }
      : { state: 'ended' }
  }
}

function connect(options: RedisStoreOptions, timeout: number): Connection {
  const { client, url } = options as { client?: RedisClient; url?: string }
  if (typeof client?.get === 'function') return connectionTo(client, timeout)
  if (typeof url === 'string' && URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) {
    return connectionTo(url, timeout)
  }
  throw optionError(
    'redisStore() needs a { client } of the redis package, or a { url } like redis://127.0.0.1:6379',
  )
}

function entryOfSession(record: SessionRecord): Entry {
  return record.expires > Date.now() ? { state: 'session', record } : { state: 'ended' }
}
