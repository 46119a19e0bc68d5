import { createHash, randomUUID } from 'node:crypto'
import { CODE_MEMORY, type Entry, LIST_MAX, type SessionRecord, type SessionStore } from '../store.js'
import {
  type Connection,
  openClient,
  type RedisClient,
  type ScriptOptions,
  useClient,
} from './redis-client.js'
import { CLAIM, ENROLL, RENEW, RENEW_ENROLMENT, REPLACE, REVOKE, UPDATE } from './redis-scripts.js'

interface CommonOptions {
  /** Goes before every key. Default `weapp-session:`. */
  prefix?: string
  /** ms for one store call; then the answer is ERR_STORE_UNAVAILABLE. Default 250. */
  timeout?: number
}

export type RedisStoreOptions = CommonOptions &
  (
    | {
        /** A client, cluster or sentinel of node-redis 6. One that is not connected yet is connected. */
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
  const { prefix = 'weapp-session:', timeout = 250 } = options ?? {}
  if (!Number.isFinite(timeout) || timeout <= 0) {
    throw new TypeError('koa-weapp-session: redisStore({ timeout }) must be a positive number of ms')
  }
  const connection = connect(options, timeout)
  const sessionKey = (id: string) => `${prefix}s:${id}`
  const userKey = (user: string) => `${prefix}u:${user}`

  return {
    timeout,

    async read(id) {
      return parse(await (await connection.client()).get(sessionKey(id)))
    },

    async claim(id, lease) {
      const token = randomUUID()
      const result = await run(CLAIM, sessionKey(id), [token, lease, CODE_MEMORY])
      if (typeof result === 'string') return parse(result) ?? { state: 'ended' }

      const [value, began] = result as [string, string]
      return { state: 'granted', claim: { id, token: value, began: Number(began) } }
    },

    async refuse(claim, refusal) {
      await replace(claim.id, claim.token, `refused ${JSON.stringify(refusal)}`, CODE_MEMORY)
    },

    async create({ id, user, record, claim, max }) {
      const enrolment = [id, claim.began, record.expires, max, CODE_MEMORY]
      const toEnd = await run(ENROLL, userKey(user), enrolment)
      if (!Array.isArray(toEnd)) return false

      await endAll(user, toEnd as string[])
      const life = Math.max(1, record.expires - Date.now())
      return replace(id, claim.id === id ? claim.token : '', print(record), life)
    },

    async update(id, record) {
      const { rev, expires, ...rest } = record
      return (await run(UPDATE, sessionKey(id), [rev, JSON.stringify(rest)])) as
        | 'saved'
        | 'conflict'
        | 'ended'
    },

    async renew(id, user, expires) {
      if (await run(RENEW_ENROLMENT, userKey(user), [id, expires]))
        await run(RENEW, sessionKey(id), [expires])
    },

    async end(id, user) {
      await endAll(user, [id])
    },

    async list(user) {
      const client = await connection.client()
      const { revoked: _, ...orders } = await client.hGetAll(userKey(user))
      const newest = Object.keys(orders).sort((a, b) => parseOrder(orders[b]) - parseOrder(orders[a]))
      const entries = await Promise.all(
        newest.slice(0, LIST_MAX).map(async (id) => parse(await client.get(sessionKey(id)))),
      )
      return entries.flatMap((entry) => (entry?.state === 'session' ? entry.record : []))
    },

    async revoke(user) {
      await endAll(user, (await run(REVOKE, userKey(user), [CODE_MEMORY])) as string[])
    },

    close: () => connection.close(),
  }

  /**
   * Says `ended` under each session's key, and only then takes it out of its user's hash. The word stays until
   * a login that holds the claim of the same code, or is about to create the session, can no longer be alive.
   */
  async function endAll(user: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return
    const client = await connection.client()
    const expiration = { type: 'PX', value: CODE_MEMORY } as const
    await Promise.all(ids.map((id) => client.set(sessionKey(id), 'ended', { expiration })))
    await client.hDel(userKey(user), ids)
  }

  async function replace(id: string, expected: string, value: string, life: number): Promise<boolean> {
    return (await run(REPLACE, sessionKey(id), [expected, value, life])) === 1
  }

  async function run(script: string, key: string, args: (string | number)[]): Promise<unknown> {
    return runScript(await connection.client(), script, { keys: [key], arguments: args.map(String) })
  }
}

function connect(options: RedisStoreOptions, timeout: number): Connection {
  const { client, url } = (options ?? {}) as { client?: RedisClient; url?: string }
  if (typeof client?.get === 'function') return useClient(client)
  if (typeof url === 'string' && URL.canParse(url)) return openClient(url, timeout)
  throw new TypeError('koa-weapp-session: redisStore() needs { client } from the redis package, or a { url }')
}

/** The head is what the scripts read; see redis-scripts.ts. */
function print({ rev, expires, ...rest }: SessionRecord): string {
  return `session ${rev} ${expires}\n${JSON.stringify(rest)}`
}

/** What stands under a session key. A value that none of us wrote is "not found". */
function parse(value: string | null): Entry | undefined {
  if (value === null) return undefined
  try {
    if (value.startsWith('session ')) return { state: 'session', record: parseRecord(value) }
    if (value.startsWith('claim ')) return { state: 'claimed', until: Number(value.split(' ')[2]) }
    if (value.startsWith('refused ')) return { state: 'refused', refusal: JSON.parse(value.slice(8)) }
    return value === 'ended' ? { state: 'ended' } : undefined
  } catch {
    return undefined
  }
}

function parseRecord(value: string): SessionRecord {
  const end = value.indexOf('\n')
  const [, rev, expires] = value.slice(0, end).split(' ')
  const record: SessionRecord = JSON.parse(value.slice(end + 1))
  record.rev = Number(rev)
  record.expires = Number(expires)
  return record
}

/** The first word of a session's field in its user's hash: when it was enrolled. */
function parseOrder(field: string | undefined): number {
  return Number.parseInt(field ?? '', 10)
}

/** EVALSHA, and EVAL where the server does not know the script yet. */
async function runScript(client: RedisClient, script: string, options: ScriptOptions): Promise<unknown> {
  try {
    return await client.evalSha(sha1(script), options)
  } catch (error) {
    // Redis tells its errors apart by the first word of their message, and by nothing else.
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return client.eval(script, options)
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
