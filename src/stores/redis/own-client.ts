import type { RedisClient } from './client.js'
import { heartbeat } from './heartbeat.js'

/**
 * Turns off the timer that node-redis starts for each command, which costs as much as the command and stops
 * counting once it is written: our own deadline covers the whole call. Its type does not know `undefined`.
 */
export const NO_TIMER: { timeout: number } = { timeout: undefined } as unknown as { timeout: number }

/**
 * A client with settings that fail fast: by itself, node-redis keeps commands for a connection that is gone, and
 * may give up reconnecting for good. `socketTimeout` is for connections that are being made; the heartbeat looks
 * after those that are.
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
      // One that fails is known to be gone, and is being connected again already.
      ping: () => client.ping().catch(() => {}),
      replace() {
        client.destroy()
        // Goes on trying by itself; what it says of it, the client's 'error' event says too.
        client.connect().catch(() => {})
      },
    }),
  )
  return client
}
