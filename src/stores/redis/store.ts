import { checkOptions, optionError, shown } from '../../util/option-error.js'
import { checkTimeout } from '../options.js'
import { CODE_MEMORY, type Entry, LIST_MAX, type SessionStore, type StoredSession } from '../store.js'
import { StoreError } from '../store-error.js'
import { type RedisCacheOptions, redisCache } from './cache.js'
import { checkRedis } from './check.js'
import type { RedisClient } from './client.js'
import type { IoredisClient } from './clients/ioredis.js'
import { lifeOf, parseSession, printParts } from './codec.js'
import { connectionTo } from './connection.js'
import { createDatabase } from './database.js'
import { endSession, removeFromList } from './ends.js'
import { entryOf, entryOfSession } from './entries.js'
import { tracking } from './invalidations.js'
import { redisLogins } from './logins.js'
import { RENEW, RENEW_ENROLMENT, UPDATE } from './scripts.js'
import { checkCacheable, sourceOf, urlOf } from './source.js'
import { redisTakings } from './takings.js'
import { troubleOf, withoutArguments } from './trouble.js'

interface CommonOptions {
  /** Every key begins with it. Default `wxs:`. */
  prefix?: string
  /** ms for one store call. A later answer is ERR_STORE_UNAVAILABLE. Default 250. */
  timeout?: number
  /** ms that the first requests after a start wait for the connection. Default 2000. */
  connectTimeout?: number
  /**
   * Keeps sessions in the memory of this process too, until Redis says that they have changed (CLIENT TRACKING, Redis 6
   * and later). For a Redis that is far away, or busy. It needs one more connection to each master. Default false.
   */
  cache?: boolean | RedisCacheOptions
}

/** Options of {@link redisStore}: a client or a URL, and settings. */
export type RedisStoreOptions = CommonOptions &
  (
    | {
        /**
         * A client, pool, cluster or sentinel of node-redis 5 or 6. The first call connects it, if you have not: until then it is
         * left alone, so that you may call `client.connect()` yourself.
         *
         * Or a client of ioredis 5 or iovalkey (`Redis`, also with sentinels, `Cluster`). The store makes a connection of its own
         * with the same settings, at the first call, and closes that one.
         */
        client: RedisClient | IoredisClient
      }
    | {
        /**
         * The store makes a client of its own, which fails fast: `redis://…`, `rediss://…`. It begins to connect at once, in
         * the background.
         */
        url: string
      }
  )

/**
 * Keeps sessions in Redis: for several processes, and across restarts. Keys are hashes, each key expires, and the
 * session_key in a record is sealed.
 *
 * @throws {TypeError} when there is neither a client nor a url, or an option is not valid
 *
 * @example
 * weappSession({ appId, appSecret, store: redisStore({ url: 'redis://127.0.0.1:6379' }) })
 */
export function redisStore(options: RedisStoreOptions): SessionStore {
  checkOptions('redisStore', options, ['client', 'url', 'prefix', 'timeout', 'connectTimeout', 'cache'])
  const { prefix = 'wxs:', timeout = 250, connectTimeout = 2000, cache: wanted = false } = options
  checkTimeout('redisStore', timeout)
  checkTimeout('redisStore', connectTimeout, 'connectTimeout')
  if (typeof prefix !== 'string')
    throw optionError(`redisStore({ prefix }) must be a text: it is ${shown(prefix)}`)
  const source = sourceOf(options)
  if (wanted) checkCacheable(source)
  const cache = wanted ? redisCache(wanted) : undefined
  // Last: it begins to connect.
  const connection = connectionTo(source, { timeout, connectTimeout })
  const tracked = tracking((key) => cache?.forget(key?.slice(prefix.length + 2)))
  const db = createDatabase({
    client: connection.client,
    prefix,
    forget: (id) => cache?.forget(id),
    explained,
  })
  const { run, sessionKey, userKey } = db

  return {
    timeout,

    ready: (within) =>
      connection.first(within)?.catch((error: unknown) => {
        throw explained(error)
      }),

    ...(cache && { peek: cache.peek }),

    read: (id) => db.use((client) => read(client, id)),

    ...redisLogins(db, () => !connection.isCluster()),
    ...redisTakings(db),

    async end(id, user) {
      const { wasThere, ended } = await endSession(db, id)
      await removeFromList(db, user, ended)
      return wasThere
    },

    async update(id, record) {
      const result = await run(UPDATE, sessionKey(id), [record.rev, printParts(record)])
      cache?.forget(id)
      if (result === 'saved') return 'saved'
      const met = parseSession(String(result))
      return met ? { met } : 'ended'
    },

    async renew(id, user, expires) {
      const ttl = lifeOf(expires)
      const isOnList = await run(RENEW_ENROLMENT, userKey(user), [id, ttl])
      if (isOnList) await run(RENEW, sessionKey(id), [expires, Math.max(ttl, CODE_MEMORY), Date.now()])
      cache?.forget(id)
    },

    list: (user) => db.use((client) => list(client, user)),

    check: () => checkRedis(urlOf(source), connection.client, `${prefix}check`),

    async close() {
      tracked.close()
      await connection.close()
    },
  }

  async function read(client: RedisClient, id: string): Promise<Entry | undefined> {
    const key = sessionKey(id)
    const reader = cache && tracked.reader(client)
    if (reader && cache.wasReadLately(id) && !cache.isStuck(timeout / 4)) {
      const reading = cache.begin(id)
      // The reader may be connected to another database, so only a session that it finds is believed.
      const record = await reader.get(key).then(parseSession, () => undefined)
      reading.found(record)
      return record ? entryOfSession(record) : entryOf(client, key, await client.get(key))
    }
    const value = await client.get(key)
    const record = parseSession(value)
    cache?.noteRead(id, record)
    return record ? entryOfSession(record) : entryOf(client, key, value)
  }

  async function list(client: RedisClient, user: string): Promise<StoredSession[]> {
    const { revoked: _, ...ends } = await client.hGetAll(userKey(user))
    const endOf = (id: string) => Math.abs(Number(ends[id]))
    const ids = Object.keys(ends).sort((a, b) => endOf(b) - endOf(a))
    const load = async (id: string) => ({ id, record: parseSession(await client.get(sessionKey(id))) })
    const stored = await Promise.all(ids.slice(0, LIST_MAX).map(load))
    const live = stored.flatMap(({ id, record }) =>
      record && record.expires > Date.now() ? { id, record } : [],
    )
    return live.sort((a, b) => b.record.created - a.record.created)
  }

  /** The same error, with what it means. Where another server may be found under the same name, that is looked for. */
  function explained(thrown: unknown): unknown {
    const error = withoutArguments(thrown)
    const trouble = troubleOf(error)
    if (!trouble) return error
    if (trouble.hasMoved) connection.moveOn()
    return new StoreError(error instanceof Error ? error.message : String(error), {
      ...trouble,
      cause: error,
    })
  }
}
