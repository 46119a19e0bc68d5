import { randomUUID } from 'node:crypto'
import { checkOptions, mistake } from '../check.js'
import {
  type Claim,
  CODE_MEMORY,
  type Entry,
  LIST_MAX,
  type SessionRecord,
  type SessionStore,
} from '../store.js'
import { type RedisCache, type RedisCacheOptions, redisCache } from './redis-cache.js'
import type { RedisClient } from './redis-client.js'
import { type Connection, connectionTo } from './redis-connection.js'
import { parseSession, printParts, printSession } from './redis-record.js'
import * as scripts from './redis-scripts.js'
import { tracking } from './redis-tracking.js'

interface CommonOptions {
  /** Goes before every key. Default `wxs:`: Redis keeps it twice for each user, and 6 characters at most cost nothing. */
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
    throw mistake('redisStore({ timeout }) must be a positive number of ms')
  }
  const connection = connect(options, timeout)
  if (wanted && 'client' in options && !('duplicate' in options.client)) {
    throw mistake(
      'redisStore({ cache }) needs a client that can be duplicated: a client, cluster or sentinel of redis 6',
    )
  }
  const cache = wanted ? redisCache(wanted) : undefined
  const tracked = tracking((key) => cache?.forget(key?.slice(prefix.length + 2)))
  const sessionKey = (id: string) => `${prefix}s:${id}`
  const userKey = (user: string) => `${prefix}u:${user}`

  return {
    timeout,

    ...(cache && { peek: cache.peek }),

    async read(id) {
      const ready = connection.client()
      const client = ready instanceof Promise ? await ready : ready
      const reader = cache && tracked.reader(client)
      if (reader && cache.isKnown(id) && !cache.isStuck(timeout / 4))
        return readAndKeep(cache, reader, client, id)
      const value = await client.get(sessionKey(id))
      const record = parseSession(value)
      cache?.noticed(id, record)
      return record ? entryOfSession(record) : entryOf(client, id, value)
    },

    async claim(id) {
      const sent = performance.now()
      const token = `claim ${randomUUID()}`
      const result = await run(scripts.CLAIM, sessionKey(id), [token, CODE_MEMORY])
      if (Array.isArray(result)) {
        const claim: RedisClaim = { id, token, began: Number(result[0]), sent, granted: performance.now() }
        return { state: 'granted', claim }
      }
      return (await entryOf(await connection.client(), id, String(result))) ?? { state: 'ended' }
    },

    async refuse(claim, refusal) {
      await replace(claim.id, claim.token, `refused ${JSON.stringify(refusal)}`, CODE_MEMORY)
    },

    async create({ id, user, record, claim, max }) {
      const life = lifeOf(record.expires)
      const isEnrolled = await enroll(user, id, claim, life, max)
      const isCreated = isEnrolled && (await place(id, claim, printSession(record), life))
      if (!isCreated) await (await connection.client()).hDel(userKey(user), [id])
      return isCreated
    },

    async update(id, record) {
      const result = await run(scripts.UPDATE, sessionKey(id), [record.rev, printParts(record)])
      cache?.forget(id)
      return result as 'saved' | 'conflict' | 'ended'
    },

    async renew(id, user, expires) {
      const life = lifeOf(expires)
      const isEnrolled = await run(scripts.RENEW_ENROLMENT, userKey(user), [id, life])
      if (isEnrolled)
        await run(scripts.RENEW, sessionKey(id), [expires, Math.max(life, CODE_MEMORY), Date.now()])
      cache?.forget(id)
    },

    async end(id, user, rev) {
      const wasThere = await run(scripts.END, sessionKey(id), [CODE_MEMORY, rev ?? ''])
      cache?.forget(id)
      if (rev !== undefined && wasThere !== 1) return false
      await (await connection.client()).hDel(userKey(user), [id])
      return wasThere === 1
    },

    async list(user) {
      const client = await connection.client()
      const { revoked: _, ...enrolments } = await client.hGetAll(userKey(user))
      const last = (id: string) => Number(enrolments[id])
      const ids = Object.keys(enrolments).sort((a, b) => last(b) - last(a))
      const read = async (id: string) => ({ id, record: parseSession(await client.get(sessionKey(id))) })
      const stored = await Promise.all(ids.slice(0, LIST_MAX).map(read))
      const live = stored.flatMap(({ id, record }) =>
        record && record.expires > Date.now() ? { id, record } : [],
      )
      return live.sort((a, b) => b.record.created - a.record.created)
    },

    async revoke(user) {
      await endAll(user, (await run(scripts.REVOKE, userKey(user), [CODE_MEMORY])) as string[])
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
    const record = await reader.get(sessionKey(id)).then(parseSession, () => undefined)
    reading.found(record)
    return record ? entryOfSession(record) : entryOf(client, id, await client.get(sessionKey(id)))
  }

  /**
   * Puts a session on its user's list, and ends those that make room for it: before it is there, so that there
   * are never too many, whatever becomes of this process. `false` when the user was revoked after the login
   * began.
   */
  async function enroll(user: string, id: string, claim: Claim, life: number, max: number): Promise<boolean> {
    const sent = performance.now()
    const answer = await run(scripts.ENROLL, userKey(user), [id, life, max, CODE_MEMORY])
    const [revoked, sinceRevoked, ...toEnd] = answer as [string, string, ...string[]]
    const isRevoked =
      revoked !== '' && wasBefore(claim as RedisClaim, Number(revoked), Number(sinceRevoked) / 1000, sent)
    await endAll(user, toEnd)
    return !isRevoked
  }

  /** Puts a session in its place, and shows that its code is used up. */
  async function place(id: string, claim: Claim, value: string, life: number): Promise<boolean> {
    // Kept for as long as the code lives, at least: it must not be exchanged again when its session is over.
    if (id === claim.id) return replace(id, claim.token, value, Math.max(life, CODE_MEMORY))
    // First the session: a code that is used has one.
    if (!(await replace(id, '', value, Math.max(life, CODE_MEMORY)))) return false
    if (await replace(claim.id, claim.token, 'used', CODE_MEMORY)) return true
    await run(scripts.END, sessionKey(id), [CODE_MEMORY, ''])
    return false
  }

  /**
   * Says `ended` under each session's key, and only then takes it out of its user's hash. The word stays until
   * a login with the same code, or one that is about to create the session, can no longer be under way.
   */
  async function endAll(user: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return
    const client = await connection.client()
    const expiration = { type: 'PX', value: CODE_MEMORY } as const
    await Promise.all(ids.map((id) => client.set(sessionKey(id), 'ended', { expiration })))
    for (const id of ids) cache?.forget(id)
    await client.hDel(userKey(user), ids)
  }

  async function replace(id: string, expected: string, value: string, life: number): Promise<boolean> {
    return (await run(scripts.REPLACE, sessionKey(id), [expected, value, life])) === 1
  }

  async function run(script: scripts.Script, key: string, args: (string | number)[]): Promise<unknown> {
    const client = await connection.client()
    const options = { keys: [key], arguments: args.map(String) }
    try {
      return await client.evalSha(script.sha1, options)
    } catch (error) {
      // Redis tells its errors apart by the first word of their message, and by nothing else.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return client.eval(script.text, options)
    }
  }

  /** What stands under a session key. A value that none of us wrote is "not found". */
  async function entryOf(client: RedisClient, id: string, value: string | null): Promise<Entry | undefined> {
    const record = parseSession(value)
    if (record) return entryOfSession(record)
    if (value === 'ended' || value === 'used') return { state: value }
    if (value?.startsWith('refused ')) return { state: 'refused', refusal: JSON.parse(value.slice(8)) }
    // The key's own age, which no clock but Redis's has a say in.
    if (value?.startsWith('claim ')) {
      return { state: 'claimed', age: CODE_MEMORY - (await client.pTTL(sessionKey(id))) }
    }
    return undefined
  }
}

function connect(options: RedisStoreOptions, timeout: number): Connection {
  const { client, url } = options as { client?: RedisClient; url?: string }
  if (typeof client?.get === 'function') return connectionTo(client, timeout)
  if (typeof url === 'string' && URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol)) {
    return connectionTo(url, timeout)
  }
  throw mistake(
    'redisStore() needs a { client } of the redis package, or a { url } like redis://127.0.0.1:6379',
  )
}

/** A claim, with what tells it apart from a revocation at about the same time. */
interface RedisClaim extends Claim {
  /** By the clock of the code's node: µs. */
  began: number
  /** By our own clock, which never jumps: ms. */
  sent: number
  granted: number
}

/**
 * Whether a login began before its user was revoked, `ago` ms ago when we asked the user's node, at `asked` or
 * later. The nodes of a cluster, and a master and its successor, have no common time; so durations are compared,
 * which each is measured by one clock. Where both were within one round trip, the nodes' clocks decide.
 */
function wasBefore(
  { began, sent, granted }: RedisClaim,
  revoked: number,
  ago: number,
  asked: number,
): boolean {
  if (performance.now() - sent < ago) return false
  return asked - granted >= ago || began <= revoked
}

function entryOfSession(record: SessionRecord): Entry {
  return record.expires > Date.now() ? { state: 'session', record } : { state: 'ended' }
}

/** ms that a session has left; at least 1, because Redis takes no less. */
function lifeOf(expires: number): number {
  return Math.max(1, expires - Date.now())
}
