import { setTimeout as sleep } from 'node:timers/promises'
import { deadline } from '../../util/deadline.js'
import { warn } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { isCluster, watchCluster } from './cluster.js'
import { discard } from './discard.js'
import { warnOfEviction } from './eviction.js'
import { createOwn, NO_TIMER } from './own-client.js'
import type { Script } from './scripts/script.js'

/** A client that is connected when it is needed, and closed by whoever opened it. */
interface Connection {
  /**
   * A client that is ready for a command. Rejects when there is none in time: node-redis would keep the command, and
   * send it long after its caller has given up. A sentinel client says that it is ready while it looks for the next
   * master, and keeps commands until then. Those come late, and each of ours may come late.
   */
  client(): RedisClient | Promise<RedisClient>
  /**
   * The first connection, for as long as there has been none. It rejects when that takes too long: `connectTimeout`, or
   * so many ms from now.
   */
  first(within?: number): Promise<RedisClient> | undefined
  /** Whether there are several nodes; `false` before the first command. */
  isCluster(): boolean
  close(): Promise<void>
}

export interface ConnectionOptions {
  /** ms to wait for a connection that is made anew. While Redis is away, nobody waits. */
  timeout: number
  /** ms to wait for the first connection. */
  connectTimeout: number
}

/**
 * ms for one try to connect. A cluster that misses a master would try for ever with the nodes that it knew at first.
 */
const CONNECT_TIMEOUT = 2000

/** ms between two tries to connect, at most. */
const PAUSE_MAX = 500

/**
 * Manages the caller's client, or one of our own for a URL. Our own begins to connect at once. The caller's may be about
 * to be connected by the caller, so it is left alone until the first call.
 */
export function connectionTo(
  source: RedisClient | string,
  { timeout, connectTimeout }: ConnectionOptions,
): Connection {
  let client = typeof source === 'string' ? undefined : source
  let opening: Promise<RedisClient> | undefined
  let first: Promise<RedisClient> | undefined
  let isTooLate = false
  /** Why the last try to connect has failed. */
  let failure: unknown
  let isOurs = false
  /** Whether anybody has needed the connection: before, it keeps no process alive, and is tried once. */
  let isWanted = false
  let wasReady = false
  /** `client`, and the same without a timer for each command. */
  let commands: { client: RedisClient; untimed: RedisClient } | undefined
  let isClosed = false
  /** Clients whose errors are reported already. */
  const reported = new WeakSet<RedisClient>()
  /** Whether this outage is reported. */
  let isReported = false

  // Reported already, and to whoever asks.
  if (typeof source === 'string') open().catch(() => {})

  return {
    client: readyClient,

    first: (within) => (wasReady || (client && isReady(client)) ? undefined : firstConnection(within)),

    isCluster: () => client !== undefined && isCluster(client),

    async close() {
      isClosed = true
      if (isOurs && client?.isOpen) discard(client)
    },
  }

  function readyClient(): RedisClient | Promise<RedisClient> {
    if (client && isReady(client)) return commandClient(client)
    if (!wasReady) return firstConnection().then(commandClient)
    if (client?.isOpen) throw notConnected(failure)
    return deadline(timeout, open(), () => notConnected(failure)).then(commandClient)
  }

  /** Everybody waits for it together. When that has been in vain, nobody waits until it is there. */
  function firstConnection(within?: number): Promise<RedisClient> {
    want()
    const connected = open()
    // Whoever waits hears of it below.
    connected.catch(() => {})
    if (within !== undefined) return deadline(within, connected, () => notConnected(failure))
    if (isTooLate) return Promise.reject(notConnected(failure))
    first ??= deadline(connectTimeout, connected, () => {
      isTooLate = true
      return notConnected(failure)
    })
    return first
  }

  function want(): void {
    if (isWanted) return
    isWanted = true
    if (typeof source === 'string') client?.ref?.()
  }

  function open(): Promise<RedisClient> {
    opening ??= connectAgain().finally(() => {
      opening = undefined
    })
    return opening
  }

  /** Tries until there is a connection; once, while nobody needs it. */
  async function connectAgain(): Promise<RedisClient> {
    for (let pause = 50; ; pause = Math.min(2 * pause, PAUSE_MAX)) {
      try {
        return await connectOnce()
      } catch (error) {
        report(error)
        if (isClosed || !isWanted) throw error
      }
      // Those who wait have a timer that keeps the process alive.
      await sleep(pause, undefined, { ref: false })
    }
  }

  async function connectOnce(): Promise<RedisClient> {
    const opened = client ?? (await makeOwn(String(source)))
    if (isClosed) throw new Error('the Redis store is closed')
    client = opened
    reportErrorsOf(opened)

    if (opened.isOpen) {
      if (opened.isReady === false) await new Promise<unknown>((resolve) => opened.on('ready', resolve))
    } else {
      isOurs = true
      try {
        await connect(opened, { keepsAlive: isWanted || typeof source !== 'string' })
      } catch (error) {
        // One that has given up in the middle of connecting may go on with that: it is not used again.
        if (typeof source === 'string') client = undefined
        throw error
      }
      // A socket that was being connected did not hear of it.
      if (typeof source === 'string' && isWanted) opened.ref?.()
    }
    return opened
  }

  /** A connection that was being made anew got no answer. */
  function onSilent(): void {
    client = undefined
    if (!isClosed) open().catch(() => {})
  }

  async function makeOwn(url: string): Promise<RedisClient> {
    const made = await createOwn(url, { isWanted: () => isWanted, onSilent })
    if (!isWanted) made.unref?.()
    return made
  }

  /** What commands are sent with. */
  function commandClient(ready: RedisClient): RedisClient {
    want()
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
          return connect(next, { timeout: ms })
        },
        takeOver,
      })
    }
    // Nobody waits for it.
    void warnOfEviction(ready)
  }

  /** Without a listener, an 'error' event would end the process. */
  function reportErrorsOf(opened: RedisClient): void {
    if (reported.has(opened)) return
    reported.add(opened)
    opened.on('ready', () => {
      isReported = false
    })
    opened.on('error', report)
  }

  /** Warns once per outage. */
  function report(error: unknown): void {
    failure = error
    if (isReported || isClosed) return
    isReported = true
    // Sentinel clients emit texts.
    const message = error instanceof Error ? error.message : String(error)
    warn('WEAPP_REDIS', `Redis cannot be used, and requests with a session get 503: ${message}`)
  }

  function takeOver(old: RedisClient, next: RedisClient): void {
    if (isClosed) return void discard(next)
    client = next
    // Commands that are under way get their answers first.
    if (isOurs) setTimeout(() => old.isOpen && discard(old), 2 * timeout).unref()
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
export async function connect(
  client: RedisClient,
  { timeout = CONNECT_TIMEOUT, keepsAlive = true }: { timeout?: number; keepsAlive?: boolean } = {},
): Promise<void> {
  try {
    const connected = client.connect()
    await ('getMasterNode' in client ? connected : deadline(timeout, connected, silent, keepsAlive))
  } catch (error) {
    // A cluster that finds no node to talk to says that it is closed, and still connects to the nodes that it has
    // found.
    if (client.isOpen || isCluster(client)) discard(client)
    throw error
  }
}

function silent(): Error {
  return new Error('it does not answer')
}

function isReady(client: RedisClient): boolean {
  return client.isOpen && client.isReady !== false
}

function notConnected(cause?: unknown): Error {
  const why = cause instanceof Error && cause.message ? `: ${cause.message}` : ''
  return new Error(`there is no connection to Redis${why}`, { cause })
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
