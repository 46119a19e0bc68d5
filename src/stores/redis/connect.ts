import { deadline } from '../../util/deadline.js'
import type { RedisClient } from './client.js'
import { isCluster } from './cluster.js'
import { discard } from './discard.js'

/**
 * ms for one try to connect. A cluster that misses a master would try for ever with the nodes that it knew at first.
 */
const CONNECT_TIMEOUT = 2000

interface ConnectOptions {
  /** ms */
  timeout?: number
  /** Whether the process waits for it. */
  keepsAlive?: boolean
}

/**
 * Connects a client, or gives up in time: the next try can know more, and node-redis waits for ever for a lost
 * handshake. A sentinel client gets no deadline: if it is destroyed while it connects, it goes on, and can never be
 * used again.
 */
export async function connect(
  client: RedisClient,
  { timeout = CONNECT_TIMEOUT, keepsAlive = true }: ConnectOptions = {},
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

/** There was no greeting, or no answer, in time. */
export class Silent extends Error {}

function silent(): Error {
  return new Silent('it does not answer')
}

export async function isAlive(client: RedisClient, within: number): Promise<boolean> {
  try {
    await deadline(within, Promise.resolve(client.ping?.()), silent)
    return true
  } catch {
    return false
  }
}
