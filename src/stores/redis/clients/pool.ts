import type { RedisClient } from '../client.js'

/** A pool of node-redis: `createClientPool()`. Each command takes one of its connections. */
export interface RedisPool extends RedisClient {
  readonly totalClients: number
  /** Does something with one of its clients. */
  execute<T>(work: (client: { duplicate(): RedisClient }) => T): Promise<T>
}

export function isPool(client: object): client is RedisPool {
  return 'totalClients' in client && 'execute' in client
}

/**
 * A pool as the store uses it. It cannot be duplicated: where the store needs a connection to whoever is the master now, it
 * makes one with the settings of the pool's clients.
 */
export function poolClient(pool: RedisPool): RedisClient {
  return Object.assign(Object.create(pool) as RedisClient, {
    duplicate: () => pool.execute((client) => client.duplicate()),
  })
}
