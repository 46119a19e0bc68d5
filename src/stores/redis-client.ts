import { deadline } from '../deadline.js'
import { warn } from '../warn.js'
import { heartbeat } from './redis-heartbeat.js'

/** What `eval` and its like take: the one key of the script, and its arguments. */
export interface ScriptOptions {
  keys: string[]
  arguments: string[]
}

/** The commands used here. A client, a cluster or a sentinel from the `redis` package (6) has them. */
export interface RedisClient {
  readonly isOpen: boolean
  readonly isReady?: boolean
  connect(): Promise<unknown>
  destroy(): unknown
  on(event: 'error' | 'ready', listener: (error: Error) => void): unknown
  get(key: string): Promise<string | null>
  set(key: string, value: string, options: { expiration: { type: 'PX'; value: number } }): Promise<unknown>
  pTTL(key: string): Promise<number>
  hDel(key: string, fields: string[]): Promise<unknown>
  hGetAll(key: string): Promise<Record<string, string>>
  eval(script: string, options: ScriptOptions): Promise<unknown>
  evalSha(sha1: string, options: ScriptOptions): Promise<unknown>
}

/** What a cluster has beside that: its masters, as far as they are connected. */
interface RedisCluster extends RedisClient {
  readonly masters: readonly { client?: Promise<Pinged> | Pinged | undefined }[]
  duplicate(): RedisCluster
}

interface Pinged {
  ping(): Promise<unknown>
}

/** A client that is looked after: connected when it is needed, listened to, and closed by whoever opened it. */
export interface Connection {
  /**
   * A client that is ready for a command. Rejects when there is none in time: node-redis would keep the command,
   * and send it when its caller has long gone. (A sentinel client says that it is ready while it looks for the next
   * master, and keeps commands until then: those come late, which each of ours can bear.)
   */
  client(): RedisClient | Promise<RedisClient>
  close(): Promise<void>
}

/** ms for one try to connect. A cluster of which a master is away would try for ever, with what it knew at first. */
const CONNECT_TIMEOUT = 2000

/**
 * Looks after the caller's client, or after one of our own for a URL. `timeout`: ms to wait for the first
 * connection; later, while Redis is away, there is no waiting.
 */
export function connectionTo(source: RedisClient | string, timeout: number): Connection {
  let client = typeof source === 'string' ? undefined : source
  let opening: Promise<RedisClient> | undefined
  let isOurs = false
  let wasReady = false
  let isClosed = false
  const listened = new WeakSet<RedisClient>()

  return {
    client() {
      if (client?.isOpen && client.isReady !== false) return client
      if (client?.isOpen && wasReady) throw notConnected()
      opening ??= open().finally(() => {
        opening = undefined
      })
      return deadline(timeout, opening, notConnected)
    },

    async close() {
      isClosed = true
      if (isOurs && client?.isOpen) client.destroy()
    },
  }

  async function open(): Promise<RedisClient> {
    const opened = client ?? (await createOwn(String(source)))
    if (isClosed) throw new Error('the Redis store is closed')
    client = opened
    listenTo(opened)

    if (opened.isOpen) {
      if (opened.isReady === false) await new Promise<unknown>((resolve) => opened.on('ready', resolve))
    } else {
      isOurs = true
      await connect(opened)
    }
    wasReady = true
    if (isCluster(opened)) watch(opened)
    return opened
  }

  function listenTo(opened: RedisClient): void {
    if (!listened.has(opened)) listen(opened)
    listened.add(opened)
  }

  /**
   * A cluster learns of a new master from a connection that breaks: from one that is silent it never would. Another
   * cluster, with what is known of the nodes now, takes its place; the old one serves until that one is there.
   */
  function watch(cluster: RedisCluster): void {
    heartbeat({
      isOpen: () => !isClosed && client === cluster && cluster.isOpen,
      isReady: () => true,
      ping: () => Promise.allSettled(cluster.masters.map(async ({ client }) => (await client)?.ping())),
      async replace() {
        const next = cluster.duplicate()
        listenTo(next)
        const isThere = await connect(next).then(
          () => true,
          () => false,
        )
        if (!isThere) return
        if (isClosed) return void next.destroy()
        client = next
        // Commands that are under way get their answers first.
        if (isOurs) setTimeout(() => cluster.isOpen && cluster.destroy(), 2 * timeout).unref()
        isOurs = true
        watch(next)
      },
    })
  }
}

async function connect(client: RedisClient): Promise<void> {
  try {
    await deadline(CONNECT_TIMEOUT, client.connect(), notConnected)
  } catch (error) {
    if (client.isOpen) client.destroy()
    throw error
  }
}

function isCluster(client: RedisClient): client is RedisCluster {
  return 'masters' in client && 'duplicate' in client
}

/**
 * Turns off the timer that node-redis starts for each command, which costs as much as the command and stops
 * counting once it is written: our own deadline covers the whole call. Its type does not know `undefined`.
 */
const NO_TIMER = { timeout: undefined } as unknown as { timeout: number }

/**
 * A client with settings that fail fast: by itself, node-redis keeps commands for a connection that is gone, and
 * may give up reconnecting for good. `socketTimeout` is for connections that are being made; the heartbeat looks
 * after those that are.
 */
async function createOwn(url: string): Promise<RedisClient> {
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new Error("redisStore({ url }) needs the package 'redis': npm install redis", { cause })
  })
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    commandOptions: NO_TIMER,
    maintNotifications: 'disabled',
    socket: {
      connectTimeout: 1000,
      socketTimeout: 1500,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 500) + Math.random() * 100,
    },
  })
  client.once('ready', () =>
    heartbeat({
      isOpen: () => client.isOpen,
      isReady: () => client.isReady,
      ping: () => client.ping(),
      replace() {
        client.destroy()
        // Goes on trying by itself; what it says of it, the client's 'error' event says too.
        client.connect().catch(() => {})
      },
    }),
  )
  return client
}

/** An 'error' event without a listener ends the process: in its place, one line per outage. */
function listen(client: RedisClient): void {
  let isReported = false
  client.on('ready', () => {
    isReported = false
  })
  client.on('error', (error) => {
    if (isReported) return
    isReported = true
    // Sentinel clients emit texts.
    const message = error instanceof Error ? error.message : String(error)
    warn('WEAPP_REDIS', `Redis cannot be used, and requests with a session get 503: ${message}`)
  })
}

function notConnected(): Error {
  return new Error('there is no connection to Redis')
}
