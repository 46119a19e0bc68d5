import type { RedisClient } from './client.js'
import { heartbeat } from './heartbeat.js'
import { isReplica } from './replica.js'

/**
 * Turns off the timer that node-redis starts for each command. The timer costs as much as the command, and ends when
 * the command is written. Our own deadline covers the whole call. node-redis's type does not know `undefined`.
 */
export const NO_TIMER: { timeout: number } = { timeout: undefined } as unknown as { timeout: number }

/**
 * ms. node-redis's own timers do not know that this process could not run. So our deadlines and heartbeats speak long
 * before this one, which ends the sockets that they have given up.
 */
const TCP_TIMEOUT = 10_000

/** How many heartbeats a connection that is made anew may take, and how many Redis has to greet it: 2.5 s and 1.5 s. */
const CONNECTING_BEATS = 5
const GREETING_BEATS = 3

/** Every so many heartbeats the server is asked whether it still is a master: 2 s. */
const ROLE_BEATS = 4

/** What a client of our own needs to know of whoever uses it. */
export interface OwnClientUse {
  /** Whether anybody needs the connection. */
  isWanted(): boolean
  /** Redis did not greet a connection that was made anew. The client is destroyed. */
  onSilent(): void
  /** The server is a replica: it was a master when this connection was made. */
  onDemoted(): void
}

/**
 * A client that fails fast. With node-redis's defaults, a client keeps commands for a lost connection, and may stop
 * reconnecting for good. The first connection is tried once, and lost ones are made anew while `isWanted()`.
 *
 * node-redis's `socketTimeout` would end a connection on which nothing came because this process could not read, so
 * the heartbeat watches instead.
 */
export async function createOwn(
  url: string,
  { isWanted, onSilent, onDemoted }: OwnClientUse,
): Promise<RedisClient> {
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new Error("redisStore({ url }) needs the package 'redis': npm install redis", { cause })
  })
  let wasReady = false
  let isWatched = false
  /** Heartbeats that are left to connect, or to be greeted; `undefined` while neither is awaited. */
  let beats: number | undefined
  let pings = 0
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    maintNotifications: 'disabled',
    commandOptions: NO_TIMER,
    socket: {
      connectTimeout: TCP_TIMEOUT,
      reconnectStrategy: (retries) =>
        wasReady && isWanted() && Math.min(50 * 2 ** retries, 500) + Math.random() * 100,
    },
  })
  client.on('reconnecting', () => {
    beats = CONNECTING_BEATS
  })
  client.on('connect', () => {
    // It was given up while it connected: node-redis goes on, and would keep the connection.
    if (!client.isOpen) return client.destroy()
    beats = GREETING_BEATS
  })
  client.on('error', endGreeting)
  client.on('ready', () => {
    endGreeting()
    wasReady = true
    if (!isWatched) watch()
  })
  return client

  function endGreeting(): void {
    beats = undefined
  }

  /** Until the client is closed. */
  function watch(): void {
    isWatched = true
    heartbeat({
      isOpen() {
        isWatched = client.isOpen
        return isWatched
      },
      isReady: () => client.isReady || isSilent(),
      // When a ping fails, node-redis knows that the connection is gone, and connects again by itself.
      ping: () => (client.isReady ? ping().catch(() => {}) : Promise.reject(new Error('silent'))),
      replace() {
        const hasGreeted = client.isReady
        endGreeting()
        client.destroy()
        if (!hasGreeted) return onSilent()
        // It goes on trying by itself, and reports errors by the 'error' event too.
        client.connect().catch(() => {})
      },
    })
  }

  async function ping(): Promise<void> {
    if (++pings % ROLE_BEATS > 0) await client.ping()
    else if (await isReplica(client)) onDemoted()
  }

  function isSilent(): boolean {
    return beats !== undefined && --beats < 0
  }
}
