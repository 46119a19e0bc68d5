import type { RedisClient } from '../client.js'
import { heartbeat } from '../heartbeat.js'
import { isReplica } from '../replica.js'

/**
 * ms. The timers of client libraries do not know that this process could not run. So our deadlines and heartbeats speak long
 * before this one, which ends the sockets that they have given up.
 */
export const TCP_TIMEOUT = 10_000

/** How many heartbeats a connection that is made anew may take, and how many Redis has to greet it: 2.5 s and 1.5 s. */
const CONNECTING_BEATS = 5
const GREETING_BEATS = 3

/** Every so many heartbeats the server is asked whether it still is a master: 2 s. */
const ROLE_BEATS = 4

/** How the store makes its clients. */
export interface OwnClients {
  /** Not connected yet. */
  make(use: OwnClientUse): Promise<RedisClient>
  /** Whether the next client will not fail by this error, because it is made in another way. */
  isAdaptedTo?(error: unknown): boolean
}

/** What a client of our own needs to know of whoever uses it. */
export interface OwnClientUse {
  /** Whether anybody needs the connection. */
  isWanted(): boolean
  /** Redis did not greet a connection that was made anew. The client is destroyed. */
  onSilent(): void
  /** The server is a replica: it was a master when this connection was made. */
  onDemoted(): void
}

interface WatchedUse extends OwnClientUse {
  /** A connection that worked has become silent. The client is destroyed. */
  onLost(): void
}

/** ms before a lost connection is tried again, for the `retries`-th time: the first is 0. */
export function reconnectPause(retries: number): number {
  return Math.min(50 * 2 ** retries, 500) + Math.random() * 100
}

/** Watches the connection of a client of our own from its first connection on: its silence, and the role of the server. */
export function watchOwn(client: RedisClient, { onSilent, onDemoted, onLost }: WatchedUse): void {
  let isWatched = false
  /** Heartbeats that are left to connect, or to be greeted; `undefined` while neither is awaited. */
  let beats: number | undefined
  let pings = 0

  client.on('reconnecting', () => {
    beats = CONNECTING_BEATS
  })
  client.on('connect', () => {
    // It was given up while it connected: client libraries go on, and would keep the connection.
    if (!client.isOpen) return client.destroy()
    beats = GREETING_BEATS
  })
  client.on('error', endGreeting)
  client.on('ready', () => {
    endGreeting()
    if (!isWatched) watch()
  })

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
      isReady: () => client.isReady === true || isSilent(),
      // When a ping fails, the client knows that the connection is gone, and connects again by itself.
      ping: () => (client.isReady ? ping().catch(() => {}) : Promise.reject(new Error('silent'))),
      replace() {
        const hasGreeted = client.isReady
        endGreeting()
        client.destroy()
        if (hasGreeted) onLost()
        else onSilent()
      },
    })
  }

  async function ping(): Promise<void> {
    if (++pings % ROLE_BEATS > 0) await client.ping?.()
    else if (await isReplica(client)) onDemoted()
  }

  function isSilent(): boolean {
    return beats !== undefined && --beats < 0
  }
}
