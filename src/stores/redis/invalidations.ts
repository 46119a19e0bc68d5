import { warnings } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { NO_TIMER } from './clients/own.js'
import { isCluster, pingMasters } from './cluster.js'
import { connect } from './connect.js'
import { discard } from './discard.js'
import { heartbeat } from './heartbeat.js'
import { loadRedis } from './load.js'

/** What tracking needs of a client, cluster or sentinel of node-redis. */
export interface Trackable extends RedisClient {
  readonly clientSideCache?: unknown
  duplicate(overrides?: object): Trackable
  ping?(): Promise<unknown>
}

/** A connection for reads. Redis remembers what it has read, and says when that changes (CLIENT TRACKING). */
export interface Tracking {
  /** The connection beside `source`; nothing while there is none that hears of changes. */
  reader(source: RedisClient): RedisClient | undefined
  close(): void
}

/** ms between two tries to connect. */
const PAUSE = 1000

/**
 * `forget` gets the key that has changed, or nothing when all keys may have changed: a connection was lost, or Redis
 * was emptied.
 *
 * Redis sends a change over the connection that has read the key. So the change arrives after the old value, and the
 * old value can be forgotten. Over two connections, the change could arrive before the value that it makes old.
 */
export function tracking(forget: (key: string | undefined) => void): Tracking {
  let origin: RedisClient | undefined
  let current: Trackable | undefined
  let opening: Trackable | undefined
  let isOpening = false
  const followed = new WeakSet<RedisClient>()
  let isClosed = false
  const warn = warnings()

  return {
    reader(source) {
      if (source !== origin) follow(source)
      return current?.isOpen && current.isReady !== false ? current : undefined
    },
    close() {
      isClosed = true
      dropReader()
      if (opening?.isOpen) discard(opening)
    },
  }

  /** Another client is used now. Nothing that was read beside the old one can be relied on. */
  function follow(source: RedisClient): void {
    dropReader()
    origin = source
    if (!followed.has(source)) {
      followed.add(source)
      // Connected anew, and perhaps to another server: the reader may still be at the old one, which hears of nothing.
      source.on('ready', () => {
        if (source === origin && current) renew()
      })
    }
    if (!isOpening) void open()
  }

  function renew(): void {
    dropReader()
    if (!isOpening) void open()
  }

  function dropReader(): void {
    const old = current
    current = undefined
    forget(undefined)
    if (old?.isOpen) discard(old)
  }

  async function open(): Promise<void> {
    isOpening = true
    while (!isClosed && !current) {
      const source = origin as Trackable
      const next = await connected(source).catch((error: Error) => void report(error))
      if (!next) await new Promise((resolve) => setTimeout(resolve, PAUSE).unref())
      else if (isClosed || source !== origin) discard(next)
      else use(next)
    }
    isOpening = false
  }

  function use(next: Trackable): void {
    current = next
    heartbeat({
      isOpen: () => current === next,
      isReady: () => true,
      // A client that was told not to connect again is closed for good.
      ping: async () => (next.isOpen ? ping(next) : Promise.reject(new Error('closed'))),
      replace() {
        renew()
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
    // For a class of another copy of the package, node-redis's `instanceof` fails, and it makes a cache of its own.
    if (next.clientSideCache !== listener) throw new Error("there are two copies of the package 'redis'")
    opening = next
    await connect(next)
    return next
  }
}

/** Reads go to masters: a replica hears of a change later than the other readers of its master. */
const READS_OF_MASTERS = {
  useReplicas: false,
  replicaPoolSize: 0,
  emitInvalidate: false,
  commandOptions: NO_TIMER,
}

/**
 * A cache for node-redis that keeps nothing, and passes on what it hears. node-redis switches tracking on for each
 * connection when it has a cache. Its own cache copies each value at each hit, and remembers missing keys too.
 */
async function invalidations(forget: (key: string | undefined) => void): Promise<object> {
  const { BasicPooledClientSideCache } = await loadRedis()

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
