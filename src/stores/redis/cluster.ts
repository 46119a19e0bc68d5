import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisClient } from './client.js'
import { heartbeat } from './heartbeat.js'

/** What a cluster has beside that: its masters, as far as they are connected. */
export interface RedisCluster extends RedisClient {
  readonly masters: readonly { client?: Promise<Pinged> | Pinged | undefined }[]
  duplicate(): RedisCluster
}

interface Pinged {
  ping(): Promise<unknown>
  info?(section: string): Promise<string>
}

/** What watching needs of whoever uses the cluster. */
export interface ClusterUse {
  isInUse(): boolean
  /** Connects within so many ms, or rejects. */
  connect(next: RedisCluster, timeout: number): Promise<void>
  /** From now on this one is used. */
  takeOver(next: RedisCluster): void
}

/** ms for a cluster that shall take the place of one that serves as far as it can. */
const REPLACE_TIMEOUT = 1000
const REPLACE_PAUSE = 200

/** Then the old one is asked again whether it needs to be replaced. */
const REPLACE_TRIES = 5

export function isCluster(client: RedisClient): client is RedisCluster {
  return 'masters' in client && 'duplicate' in client
}

/**
 * A cluster learns of a new master late (node-redis looks every five seconds, where a connection broke) or never
 * (where one is silent). So another cluster takes its place as soon as it has found all masters; until then the
 * old one serves what it can.
 */
export function watchCluster(cluster: RedisCluster, { isInUse, connect, takeOver }: ClusterUse): void {
  heartbeat({
    isOpen: isInUse,
    isReady: () => true,
    ping: () => pingMasters(cluster),
    async replace() {
      for (let tries = 0; tries < REPLACE_TRIES && isInUse(); tries++) {
        const next = cluster.duplicate()
        try {
          await connect(next, REPLACE_TIMEOUT)
          return takeOver(next)
        } catch {
          await sleep(REPLACE_PAUSE)
        }
      }
    },
  })
}

/** As far as they are connected; rejects when one of them does. */
export function pingMasters({ masters }: RedisCluster): Promise<unknown> {
  return Promise.all(masters.map(async ({ client }) => (await client)?.ping()))
}
