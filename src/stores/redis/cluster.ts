import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisClient } from './client.js'
import { heartbeat } from './heartbeat.js'

/** A cluster of node-redis, or what looks like one. */
export interface RedisCluster extends RedisClient {
  /** Those that are connected have a client. */
  readonly masters: readonly { client?: Promise<Master> | Master | undefined }[]
  duplicate(): RedisCluster
}

interface Master {
  ping(): Promise<unknown>
  info?(section: string): Promise<string>
}

/** What watching needs of whoever uses the cluster. */
export interface ClusterUse {
  isInUse(cluster: RedisClient): boolean
  /** Connects within so many ms, or rejects. */
  connect(next: RedisClient, timeout: number): Promise<void>
  /** From now on `next` is used in the place of `old`. */
  takeOver(old: RedisClient, next: RedisClient): void
}

/** ms to connect a cluster that replaces another. The old one serves what it can meanwhile, so there is no hurry. */
const REPLACE_TIMEOUT = 1000
const REPLACE_PAUSE = 200

/** After so many, the next heartbeat finds out whether the old cluster still needs to be replaced. */
const REPLACE_TRIES = 5

export function isCluster(client: RedisClient): client is RedisCluster {
  return 'masters' in client && 'duplicate' in client
}

/**
 * Replaces a cluster that has lost a master. A cluster learns of a new master late (node-redis looks every five
 * seconds, where a connection broke) or never (where one is silent). Another cluster takes its place as soon as that
 * has found all masters; until then the old one serves what it can.
 */
export function watchCluster(cluster: RedisCluster, use: ClusterUse): void {
  heartbeat({
    isOpen: () => use.isInUse(cluster),
    isReady: () => true,
    ping: () => pingMasters(cluster),
    async replace() {
      for (let tries = 0; tries < REPLACE_TRIES && use.isInUse(cluster); tries++) {
        const next = cluster.duplicate()
        try {
          await use.connect(next, REPLACE_TIMEOUT)
          use.takeOver(cluster, next)
          return watchCluster(next, use)
        } catch {
          await sleep(REPLACE_PAUSE)
        }
      }
    },
  })
}

/** Pings all masters that are connected; rejects when one of them does not answer. */
export function pingMasters({ masters }: RedisCluster): Promise<unknown> {
  return Promise.all(masters.map(async ({ client }) => (await client)?.ping()))
}
