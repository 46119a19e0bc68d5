/**
 * Every kind of client that `redisStore({ client })` takes, with the settings that docs/stores.md recommends: what is for a node-redis
 * node that is away fails at once.
 */
import { Cluster, Redis } from 'ioredis'
import * as iovalkey from 'iovalkey'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import * as redis5 from 'redis-5'
import type { IoredisClient, RedisClient } from '../../src/index.js'

export type AnyClient = RedisClient | IoredisClient

/** For one server, by its URL. */
export const CLIENTS: Record<string, (url: string) => AnyClient> = {
  'redis 6': (url) => quiet(createClient({ url, disableOfflineQueue: true })),
  'redis 6, a pool': (url) => quiet(createClientPool({ url, disableOfflineQueue: true })),
  'redis 5': (url) => quiet(redis5.createClient({ url, disableOfflineQueue: true })),
  'redis 5, a pool': (url) => quiet(redis5.createClientPool({ url, disableOfflineQueue: true })),
  'ioredis 5': (url) => quiet(new Redis(url, { lazyConnect: true })),
  iovalkey: (url) => quiet(new iovalkey.Redis(url, { lazyConnect: true })),
}

const defaults = { disableOfflineQueue: true }

/** For a cluster, by the URLs of its nodes. */
export const CLUSTERS: Record<string, (urls: string[]) => AnyClient> = {
  'redis 6': (urls) => quiet(createCluster({ rootNodes: urls.map((url) => ({ url })), defaults })),
  'redis 5': (urls) => quiet(redis5.createCluster({ rootNodes: urls.map((url) => ({ url })), defaults })),
  'ioredis 5': (urls) => quiet(new Cluster(urls, { lazyConnect: true })),
  iovalkey: (urls) => quiet(new iovalkey.Cluster(urls, { lazyConnect: true })),
}

/** For a master that sentinels on these ports name `mymaster`. */
export const SENTINELS: Record<string, (ports: number[]) => AnyClient> = {
  'redis 6': (ports) => quiet(createSentinel({ name: NAME, sentinelRootNodes: nodes(ports) })),
  'redis 5': (ports) => quiet(redis5.createSentinel({ name: NAME, sentinelRootNodes: nodes(ports) })),
  'ioredis 5': (ports) => quiet(new Redis({ name: NAME, sentinels: nodes(ports), lazyConnect: true })),
  iovalkey: (ports) => quiet(new iovalkey.Redis({ name: NAME, sentinels: nodes(ports), lazyConnect: true })),
}

const NAME = 'mymaster'

function nodes(ports: number[]): { host: string; port: number }[] {
  return ports.map((port) => ({ host: '127.0.0.1', port }))
}

export interface Emitter {
  on(event: 'error', listener: () => void): unknown
}

/** An 'error' that nobody listens to would be printed, or end the process. */
export function quiet<Client extends Emitter>(client: Client): Client {
  client.on('error', () => {})
  return client
}
