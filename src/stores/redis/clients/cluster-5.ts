import type { RedisClient } from '../client.js'
import { isCluster } from '../cluster.js'

/** A cluster of node-redis 5: it does not tell whether it is ready. */
interface Cluster5 extends RedisClient {
  /** The nodes of each slot; empty, or of holes, until they have been found. */
  readonly slots: readonly (object | undefined)[]
}

export function isCluster5(client: RedisClient): client is Cluster5 {
  return isCluster(client) && 'slots' in client && !('isReady' in client)
}

/** The same cluster, which is ready once it knows who serves its slots: before, its commands throw. */
export function readyCluster(cluster: Cluster5): RedisClient {
  return Object.create(cluster, {
    isReady: { get: () => cluster.isOpen && cluster.slots.some((nodes) => nodes !== undefined) },
  }) as RedisClient
}
