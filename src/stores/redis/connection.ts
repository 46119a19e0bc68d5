import { setTimeout as sleep } from 'node:timers/promises'
import { deadline } from '../../util/deadline.js'
import { warn } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { isCluster, watchCluster } from './cluster.js'
import { unsetOptions } from './command-options.js'
import { connect, Silent } from './connect.js'
import { discard } from './discard.js'
import { warnOfEviction } from './eviction.js'
import { isSentinel, withOptions } from './masters.js'
import { isPlain, NO_TLS } from './plain-port.js'
import { isReplica } from './replica.js'
import { type Source, urlOf } from './source.js'
import { isLasting, troubleOf, withoutArguments } from './trouble.js'
import { createWaking } from './waking.js'

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
   * so many ms from now; then at once, too, for a reason that lasts. When this process stood still, the first one after
   * that: `connectTimeout` again.
   */
  first(within?: number): Promise<unknown> | undefined
  /** Whether there are several nodes; `false` before the first command. */
  isCluster(): boolean
  /** This server cannot do what it should, and another one may be found under its name: connects there, in the background. */
  moveOn(): void
  close(): Promise<void>
}

export interface ConnectionOptions {
  /** ms to wait for a connection that is made anew. While Redis is away, nobody waits. */
  timeout: number
  /** ms to wait for the first connection. */
  connectTimeout: number
}

/** ms between two tries to connect, at most. */
const PAUSE_MAX = 500

/** ms between two looks at a client that somebody else connects. */
const LOOK = 20

/** ms for another server to say what it is. */
const ROLE_TIMEOUT = 1000

/** ms between two tries to find another server. */
const MOVE_PAUSE = 250

/**
 * Manages the caller's client, or one of our own. One for a URL begins to connect at once. The caller's may be about
 * to be connected by the caller, so it is left alone until the first call.
 */
export function connectionTo(source: Source, { timeout, connectTimeout }: ConnectionOptions): Connection {
  let client = source.kind === 'given' ? source.client : undefined
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
  /** Clients whose errors are listened to already. */
  const listenedTo = new WeakSet<RedisClient>()
  /** Whether there has been a connection. What fails after that is said by whoever refuses a request because of it. */
  let hasConnected = false
  let isReported = false
  /** Clients that nobody but this store knows. */
  const made = new Set<RedisClient>()
  let isMoving = false
  let moved = Number.NEGATIVE_INFINITY
  /** Who wants to hear of failures that last. */
  const hearers = new Set<(error: unknown) => void>()

  const waking =
    source.kind === 'own'
      ? createWaking({ client: () => client, renew }, { timeout, connectTimeout })
      : undefined
  // Reported already, and to whoever asks.
  if (source.kind === 'own' && source.url !== undefined) open().catch(() => {})

  return {
    client: readyClient,

    first(within) {
      if (!wasReady) return client && isReady(client) ? undefined : firstConnection(within)
      return waking?.afterPause()
    },

    isCluster: () => client !== undefined && isCluster(client),

    moveOn: () => void moveOn(),

    async close() {
      isClosed = true
      for (const one of [...made, ...(isOurs && source.kind === 'given' ? [source.client] : [])]) drop(one)
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
    if (within !== undefined) return deadline(within, unlessItLasts(connected), () => notConnected(failure))
    if (isTooLate) return Promise.reject(notConnected(failure))
    first ??= deadline(connectTimeout, connected, () => {
      isTooLate = true
      return notConnected(failure)
    })
    return first
  }

  /** The connection, or what keeps it from being there until somebody changes a setting. */
  async function unlessItLasts<T>(connected: Promise<T>): Promise<T> {
    let hear = (_: unknown) => {}
    const lasts = new Promise<never>((_, reject) => {
      hear = (error) => reject(notConnected(error))
    })
    hearers.add(hear)
    try {
      return await Promise.race([connected, lasts])
    } finally {
      hearers.delete(hear)
    }
  }

  /** A heartbeat may have replaced it meanwhile. Else node-redis may be in a pause between two tries, or have a silent one. */
  async function renew(old: RedisClient | undefined): Promise<void> {
    if (client === old) {
      client = undefined
      if (old) drop(old)
    }
    await open()
  }

  function want(): void {
    if (isWanted) return
    isWanted = true
    if (source.kind === 'own') client?.ref?.()
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
        if (isAdaptedTo(error) && !isClosed) continue
        report(error)
        if (isClosed || !isWanted) throw error
      }
      // Those who wait have a timer that keeps the process alive.
      await sleep(pause, undefined, { ref: false })
    }
  }

  async function connectOnce(): Promise<RedisClient> {
    const opened = client ?? (await makeOwn())
    if (isClosed) throw new Error('the Redis store is closed')
    client = opened
    listenTo(opened)

    if (opened.isOpen) {
      // Somebody else connects it. It may give up, and close.
      while (opened.isOpen && opened.isReady === false) await sleep(LOOK, undefined, { ref: false })
      if (!opened.isOpen) throw new Error('the client is closed')
    } else {
      isOurs = true
      try {
        await connect(opened, { keepsAlive: isWanted || source.kind === 'given' })
      } catch (error) {
        // One that has given up in the middle of connecting may go on with that: it is not used again.
        if (source.kind === 'own') {
          client = undefined
          drop(opened)
        }
        if (error instanceof Silent && (await isPlain(urlOf(source))))
          throw new Error(NO_TLS, { cause: error })
        throw error
      }
      // A socket that was being connected did not hear of it.
      if (source.kind === 'own' && isWanted) opened.ref?.()
    }
    hasConnected = true
    failure = undefined
    return opened
  }

  async function makeOwn(): Promise<RedisClient> {
    if (source.kind === 'given') throw new Error('the client of the caller cannot be made')
    const own = await source.make({
      isWanted: () => isWanted,
      onDemoted: () => void moveOn(),
      // A connection that was being made anew got no answer.
      onSilent() {
        drop(own)
        if (client !== own) return
        client = undefined
        if (!isClosed) open().catch(() => {})
      },
    })
    made.add(own)
    if (!isWanted) own.unref?.()
    return own
  }

  /**
   * After a failover the old connection may stay with what is a replica by now. A sentinel client follows by itself. Where
   * there is no master yet, the old connection stays: it can be read.
   */
  async function moveOn(): Promise<void> {
    const old = client
    if (!old || isSentinel(old) || isMoving || isClosed || performance.now() - moved < MOVE_PAUSE) return
    isMoving = true
    let next: RedisClient | undefined
    try {
      next = source.kind === 'own' ? await makeOwn() : await old.duplicate?.()
      if (!next) return
      made.add(next)
      listenTo(next)
      await connect(next)
      const role = deadline(
        ROLE_TIMEOUT,
        isReplica(next),
        () => new Error('it does not say what it is'),
        false,
      )
      if (await role) throw new Error('it is a replica too')
      takeOver(old, next)
      if (isCluster(next)) watch(next)
    } catch {
      // The next request that fails tries again.
      if (next) drop(next)
    } finally {
      isMoving = false
      moved = performance.now()
    }
  }

  /** What commands are sent with. */
  function commandClient(ready: RedisClient): RedisClient {
    want()
    if (!wasReady) {
      waking?.good()
      onFirstUse(ready)
    }
    wasReady = true
    if (commands?.client !== ready)
      commands = {
        client: ready,
        untimed: source.kind === 'own' ? ready : withOptions(ready, unsetOptions(ready)),
      }
    return commands.untimed
  }

  function onFirstUse(ready: RedisClient): void {
    if (isCluster(ready)) watch(ready)
    // Nobody waits for it.
    void warnOfEviction(ready)
  }

  function watch(cluster: RedisClient): void {
    if (!isCluster(cluster)) return
    watchCluster(cluster, {
      isInUse: (watched) => !isClosed && client === watched && watched.isOpen,
      connect(next, ms) {
        listenTo(next)
        return connect(next, { timeout: ms })
      },
      takeOver,
    })
  }

  /** Without a listener, an 'error' event would end the process. */
  function listenTo(opened: RedisClient): void {
    if (listenedTo.has(opened)) return
    listenedTo.add(opened)
    opened.on('error', report)
    opened.on('ready', () => {
      failure = undefined
    })
  }

  function isAdaptedTo(error: unknown): boolean {
    return source.kind === 'own' && source.isAdaptedTo?.(error) === true
  }

  /** Says once why there is no first connection. */
  function report(thrown: unknown): void {
    if (isAdaptedTo(thrown)) return
    const error = withoutArguments(thrown)
    failure = error
    if (isLasting(error)) for (const hear of hearers) hear(error)
    if (hasConnected || isReported || isClosed) return
    isReported = true
    // Sentinel clients emit texts.
    const message = error instanceof Error ? error.message : String(error)
    const fix = troubleOf(error)?.fix ?? ''
    warn(
      'WEAPP_REDIS',
      `Redis cannot be used, and requests with a session get 503: ${message}. ${fix}`.trim(),
    )
  }

  function takeOver(old: RedisClient, next: RedisClient): void {
    if (isClosed) return void drop(next)
    made.add(next)
    client = next
    // Commands that are under way get their answers first. What is the application's stays: it may use it too. But a
    // cluster that this store has connected would look for its lost node for ever.
    if (made.has(old) || (isOurs && isCluster(old))) setTimeout(() => drop(old), 2 * timeout).unref()
  }

  function drop(one: RedisClient): void {
    made.delete(one)
    // A cluster that has lost a node may say that it is closed, and still connects to the others.
    if (one.isOpen || isCluster(one)) discard(one)
  }
}

function isReady(client: RedisClient): boolean {
  return client.isOpen && client.isReady !== false
}

function notConnected(cause?: unknown): Error {
  const why = cause instanceof Error && cause.message ? `: ${cause.message}` : ''
  return new Error(`there is no connection to Redis${why}`, { cause })
}
