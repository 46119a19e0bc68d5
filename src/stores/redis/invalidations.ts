import { warnings } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { isCluster, pingMasters } from './cluster.js'
import { connect } from './connection.js'
import { heartbeat } from './heartbeat.js'
import { NO_TIMER } from './own-client.js'

/** What a client of node-redis (client, cluster, sentinel) has for this. */
export interface Trackable extends RedisClient {
  readonly clientSideCache?: unknown
  duplicate(overrides: object): Trackable
  ping?(): Promise<unknown>
}

/** Connections of which Redis remembers what was read, and says when it changes (CLIENT TRACKING). */
export interface Tracking {
  /** What to read with, beside a client; nothing while there is none that would hear of changes. */
  reader(source: RedisClient): RedisClient | undefined
  close(): void
}

/** ms to connect, and ms until the next try. */
const CONNECT_TIMEOUT = 2000
const PAUSE = 1000

/**
 * Redis pushes a change over the connection that has read the key, so what is read by one connection and remembered
 * is forgotten in time; what comes over two can be overtaken. `forget` gets the key that has changed, and nothing when
 * everything may have: a connection was lost, or Redis was emptied.
 */
export function tracking(forget: (key: string | undefined) => void): Tracking {
  let origin: RedisClient | undefined
  let current: Trackable | undefined
  let opening: Trackable | undefined
  let isOpening = false
  let isClosed = false
  const warn = warnings()

  return {
    reader(source) {
      if (source !== origin) follow(source)
      return current?.isOpen && current.isReady !== false ? current : undefined
    },
    close() {
      isClosed = true
      leave()
      if (opening?.isOpen) opening.destroy()
    },
  }

  /** A client that has taken the place of another: of what the old one knew, nothing may be true any more. */
  function follow(source: RedisClient): void {
    leave()
    origin = source
    if (!isOpening) void open()
  }

  function leave(): void {
    const old = current
    current = undefined
    forget(undefined)
    if (old?.isOpen) old.destroy()
  }

  async function open(): Promise<void> {
    isOpening = true
    while (!isClosed && !current) {
      const source = origin as Trackable
      const next = await connected(source).catch((error: Error) => void report(error))
      if (!next) await new Promise((resolve) => setTimeout(resolve, PAUSE).unref())
      else if (isClosed || source !== origin) next.destroy()
      else use(next)
    }
    isOpening = false
  }

  function use(next: Trackable): void {
    current = next
    heartbeat({
      isOpen: () => current === next,
      isReady: () => true,
      // Closed for good, where it was told not to connect again.
      ping: async () => (next.isOpen ? ping(next) : Promise.reject(new Error('closed'))),
      replace() {
        leave()
        if (!isOpening) void open()
      },
    })
  }

  function report({ message }: Error): void {
    if (isClosed) return
    const what = 'Sessions are not kept in memory for now, each is read from Redis'
    warn.rarely('WEAPP_REDIS_CACHE', `${what}: ${message}`)
  }

  async function connected(source: Trackable): Promise<Trackable> {
    const listener = await invalidations(forget)
    const next = source.duplicate({ RESP: 3, clientSideCache: listener, ...READS_OF_MASTERS })
    next.on('error', () => forget(undefined))
    // Its `instanceof` fails for what comes from another copy of the package, and then it caches by itself.
    if (next.clientSideCache !== listener) throw new Error("there are two copies of the package 'redis'")
    opening = next
    await connect(next, CONNECT_TIMEOUT)
    return next
  }
}

/** A replica hears of a change later than its master's other readers do. */
const READS_OF_MASTERS = {
  useReplicas: false,
  replicaPoolSize: 0,
  emitInvalidate: false,
  commandOptions: NO_TIMER,
}

/**
 * node-redis switches tracking on, for each connection it makes, where it has a cache. Its own copies each value at
 * each hit, and remembers what is not there too; so this is a cache that keeps nothing, and passes on what it hears.
 */
async function invalidations(forget: (key: string | undefined) => void): Promise<object> {
  const { BasicPooledClientSideCache } = await import('redis')

  return new (class extends BasicPooledClientSideCache {
    override async handleCache(...[, parser, send, transform, typeMapping]: HandleCache): Promise<unknown> {
      const reply = await send()
      return transform ? transform(reply, parser.preserve, typeMapping) : reply
    }

    override invalidate(key: Buffer | string | null): void {
      forget(key === null ? undefined : String(key))
    }

    override clear(): void {
      forget(undefined)
    }
  })()
}

type HandleCache = Parameters<InstanceType<typeof import('redis').BasicPooledClientSideCache>['handleCache']>

async function ping(client: Trackable): Promise<unknown> {
  return isCluster(client) ? pingMasters(client) : client.ping?.()
}
