import type { RedisClient } from './client.js'
import { heartbeat } from './heartbeat.js'

/**
 * Turns off the timer that node-redis starts for each command. The timer costs as much as the command, and ends when
 * the command is written. Our own deadline covers the whole call. node-redis's type does not know `undefined`.
 */
export const NO_TIMER: { timeout: number } = { timeout: undefined } as unknown as { timeout: number }

/**
 * A client that fails fast. With node-redis's defaults, a client keeps commands for a lost connection, and may stop
 * reconnecting for good. `socketTimeout` is for connections that are being made; the heartbeat watches the others.
 */
export async function createOwn(url: string): Promise<RedisClient> {
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new Error("redisStore({ url }) needs the package 'redis': npm install redis", { cause })
  })
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    maintNotifications: 'disabled',
    commandOptions: NO_TIMER,
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
      // When a ping fails, node-redis knows that the connection is gone, and connects again by itself.
      ping: () => client.ping().catch(() => {}),
      replace() {
        client.destroy()
        // It goes on trying by itself, and reports errors by the 'error' event too.
        client.connect().catch(() => {})
      },
    }),
  )
  return client
}
