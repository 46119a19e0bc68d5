import type { RedisClient } from '../client.js'

/** What has a connection in ioredis: a client, or a cluster. */
export interface IoredisConnection {
  /** `wait`, `connecting`, `connect`, `ready`, `close`, `reconnecting` or `end`. */
  readonly status: string
  connect(): Promise<unknown>
  disconnect(): void
  on(event: string, listener: (error: Error) => void): unknown
}

/** A socket, which may be missing before the first connection. */
export interface Socket {
  destroy(): void
}

/** What becomes of a connection, as node-redis tells it. */
export interface Life {
  isOpen(): boolean
  isReady(): boolean
  /** Rejects with the reason. */
  connect(): Promise<void>
  destroy(): void
  /** Errors of a connection that was destroyed are not told: they come of that. */
  on: RedisClient['on']
}

/** @param sockets - what is still open when ioredis was told to disconnect: it would wait for the other side for two seconds */
export function lifeOf(redis: IoredisConnection, sockets: () => (Socket | null | undefined)[]): Life {
  let isDestroyed = false
  /** ioredis tells the reason by an event, and rejects with "Connection is closed.". */
  let reason: unknown
  redis.on('error', (error) => {
    // Those that follow come of the first.
    reason ??= 'lastNodeError' in error ? (error.lastNodeError ?? error) : error
  })

  return {
    isOpen: () => !isDestroyed && redis.status !== 'wait' && redis.status !== 'end',
    isReady: () => !isDestroyed && redis.status === 'ready',

    async connect() {
      isDestroyed = false
      reason = undefined
      try {
        await redis.connect()
      } catch (error) {
        throw reason ?? error
      }
    },

    destroy() {
      isDestroyed = true
      // Before: a cluster forgets its nodes when it disconnects.
      const open = sockets()
      redis.disconnect()
      for (const socket of open) socket?.destroy()
    },

    on: (event, listener) =>
      redis.on(event, (error) => {
        if (event !== 'error' || !isDestroyed) listener(error)
      }),
  }
}
