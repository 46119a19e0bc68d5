import { deadline } from '../../util/deadline.js'
import { warn } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { isCluster, watchCluster } from './cluster.js'
import { warnOfEviction } from './eviction.js'
import { createOwn, NO_TIMER } from './own-client.js'
import type { Script } from './scripts/script.js'

/** A client that is connected when it is needed, and closed by whoever opened it. */
export interface Connection {
  /**
   * A client that is ready for a command. Rejects when there is none in time: node-redis would keep the command, and
   * send it long after its caller has given up. A sentinel client says that it is ready while it looks for the next
   * master, and keeps commands until then. Those come late, and each of ours may come late.
   */
  client(): RedisClient | Promise<RedisClient>
  /** Whether there are several nodes; `false` before the first command. */
  isCluster(): boolean
  close(): Promise<void>
}

/**
 * ms for one try to connect. A cluster that misses a master would try for ever with the nodes that it knew at first.
 */
const CONNECT_TIMEOUT = 2000

/**
 * Manages the caller's client, or one of our own for a URL. `timeout`: ms to wait for the first connection. Later,
 * while Redis is away, nobody waits.
 */
export function connectionTo(source: RedisClient | string, timeout: number): Connection {
  let client = typeof source === 'string' ? undefined : source
  let opening: Promise<RedisClient> | undefined
  let isOurs = false
  let wasReady = false
  /** `client`, and the same without a timer for each command. */
  let commands: { client: RedisClient; untimed: RedisClient } | undefined
  let isClosed = false
  /** Clients whose errors are reported already. */
  const reported = new WeakSet<RedisClient>()

  return {
    client: readyClient,

    isCluster: () => client !== undefined && isCluster(client),

    async close() {
      isClosed = true
      if (isOurs && client?.isOpen) client.destroy()
    },
  }

  function readyClient(): RedisClient | Promise<RedisClient> {
    if (client?.isOpen && client.isReady !== false) return commandClient(client)
    if (client?.isOpen && wasReady) throw notConnected()
    opening ??= open().finally(() => {
      opening = undefined
    })
    return deadline(timeout, opening, notConnected)
  }

  async function open(): Promise<RedisClient> {
    const opened = client ?? (await createOwn(String(source)))
    if (isClosed) throw new Error('the Redis store is closed')
    client = opened
    reportErrorsOf(opened)

    if (opened.isOpen) {
      if (opened.isReady === false) await new Promise<unknown>((resolve) => opened.on('ready', resolve))
    } else {
      isOurs = true
      await connect(opened)
    }
    return commandClient(opened)
  }

  /** What commands are sent with. */
  function commandClient(ready: RedisClient): RedisClient {
    if (!wasReady) onFirstUse(ready)
    wasReady = true
    if (commands?.client !== ready)
      commands = { client: ready, untimed: typeof source === 'string' ? ready : withoutTimer(ready) }
    return commands.untimed
  }

  function onFirstUse(ready: RedisClient): void {
    if (isCluster(ready)) {
      watchCluster(ready, {
        isInUse: (cluster) => !isClosed && client === cluster && cluster.isOpen,
        connect(next, ms) {
          reportErrorsOf(next)
          return connect(next, ms)
        },
        takeOver,
      })
    }
    // Nobody waits for it.
    void warnOfEviction(ready)
  }

  function reportErrorsOf(opened: RedisClient): void {
    if (!reported.has(opened)) reportErrors(opened)
    reported.add(opened)
  }

  function takeOver(old: RedisClient, next: RedisClient): void {
    if (isClosed) return void next.destroy()
    client = next
    // Commands that are under way get their answers first.
    if (isOurs) setTimeout(() => old.isOpen && old.destroy(), 2 * timeout).unref()
    isOurs = true
  }
}

/** A client of the same connections, without the caller's own settings for commands. */
function withoutTimer(client: RedisClient): RedisClient {
  return client.withCommandOptions?.({ ...NO_TIMER, typeMapping: undefined }) ?? client
}

/**
 * Connects a client, or gives up in time: the next try can know more, and node-redis waits for ever for a lost
 * handshake. A sentinel client gets no deadline: if it is destroyed while it connects, it goes on, and can never be
 * used again.
 */
export async function connect(client: RedisClient, timeout: number = CONNECT_TIMEOUT): Promise<void> {
  try {
    const connected = client.connect()
    await ('getMasterNode' in client ? connected : deadline(timeout, connected, notConnected))
  } catch (error) {
    // A cluster that finds no node to talk to says that it is closed, and still connects to the nodes that it has
    // found.
    if (client.isOpen || isCluster(client)) client.destroy()
    throw error
  }
}

/** Warns once per outage. Without a listener, an 'error' event would end the process. */
function reportErrors(client: RedisClient): void {
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

/** What the parts of the Redis store work on: its keys, and the commands on them. */
export interface Database {
  /** A client that is ready for a command. */
  readonly client: () => RedisClient | Promise<RedisClient>
  /** Runs a script on one key: by its hash, or by its text when Redis does not know the hash. */
  run(script: Script, key: string, args: (string | number)[]): Promise<unknown>
  /** Where a session, a claim, or what became of them is stored. */
  sessionKey(id: string): string
  /** Where the list of a user's sessions is stored. */
  userKey(user: string): string
  /** Removes a session that has changed from the cache of this process. */
  readonly forget: (id: string) => void
}

export interface DatabaseOptions extends Pick<Database, 'client' | 'forget'> {
  /** Every key begins with it. */
  prefix: string
}

export function createDatabase({ client, prefix, forget }: DatabaseOptions): Database {
  return {
    client,

    async run(script, key, args) {
      const ready = client()
      const redis = ready instanceof Promise ? await ready : ready
      const options = { keys: [key], arguments: args.map(String) }
      try {
        return await redis.evalSha(script.sha1, options)
      } catch (error) {
        // Redis tells its errors apart by the first word of their message, and by nothing else.
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        return redis.eval(script.text, options)
      }
    },

    sessionKey: (id) => `${prefix}s:${id}`,
    userKey: (user) => `${prefix}u:${user}`,
    forget,
  }
}
