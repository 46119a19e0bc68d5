import type { RedisClient } from '../client.js'
import { loadRedis } from '../load.js'
import { isOfHello } from '../trouble.js'
import { type OwnClients, type OwnClientUse, reconnectPause, TCP_TIMEOUT, watchOwn } from './watch.js'

/**
 * Turns off the timer that node-redis starts for each command. The timer costs as much as the command, and ends when
 * the command is written. Our own deadline covers the whole call. node-redis's type does not know `undefined`.
 */
export const NO_TIMER: { timeout: number } = { timeout: undefined } as unknown as { timeout: number }

/**
 * Clients of node-redis for a URL. They greet with HELLO (RESP 3), whose answer says why Redis refuses a connection, until a server
 * has none, or an ACL denies it: those after that speak RESP 2.
 */
export function ownClients(url: string): OwnClients {
  let RESP: 2 | 3 = 3

  return {
    async make(use) {
      const client = await createOwn(url, RESP, use)
      client.on('error', (error) => {
        if (isOfHello(error)) RESP = 2
      })
      return client
    },
    isAdaptedTo: (error) => RESP === 2 && isOfHello(error),
  }
}

/**
 * A client that fails fast. With node-redis's defaults, a client keeps commands for a lost connection, and may stop
 * reconnecting for good. The first connection is tried once, and lost ones are made anew while `isWanted()`.
 *
 * node-redis's `socketTimeout` would end a connection on which nothing came because this process could not read, so
 * the heartbeat watches instead.
 */
async function createOwn(url: string, RESP: 2 | 3, use: OwnClientUse): Promise<RedisClient> {
  const { createClient } = await loadRedis()
  let wasReady = false
  const client = createClient({
    url,
    RESP,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    maintNotifications: 'disabled',
    commandOptions: NO_TIMER,
    socket: {
      connectTimeout: TCP_TIMEOUT,
      reconnectStrategy: (retries) => wasReady && use.isWanted() && reconnectPause(retries),
    },
  })
  client.on('ready', () => {
    wasReady = true
  })
  watchOwn(client, {
    ...use,
    // It goes on trying by itself, and reports errors by the 'error' event too.
    onLost: () => void client.connect().catch(() => {}),
  })
  return client
}
