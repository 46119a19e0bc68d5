import type { RedisCluster } from '../cluster.js'
import { commandsOf, type IoredisCommands } from './ioredis-commands.js'
import { type IoredisConnection, lifeOf } from './ioredis-life.js'
import { CONNECTION_SETTINGS, type IoredisSingle } from './ioredis-single.js'

/** `Cluster` of ioredis or iovalkey. */
export interface IoredisCluster extends IoredisCommands, IoredisConnection {
  readonly options: { redisOptions?: object }
  nodes(role: 'all' | 'master'): IoredisSingle[]
  duplicate(nodes: never[], overrides: object): IoredisCluster
}

/** What ioredis is told of a cluster, whatever the caller's settings are. */
const CLUSTER_SETTINGS = {
  lazyConnect: true,
  // The store replaces a cluster that has lost a node, as soon as another one has found all masters.
  clusterRetryStrategy: null,
  clusterNodeRetryStrategy: null,
  // A replica does not know yet what was just written.
  scaleReads: 'master',
  enableAutoPipelining: false,
  // A command is sent again where a node has not done it (MOVED, ASK), and not where its answer was lost.
  enableOfflineQueue: false,
  maxRedirections: 5,
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
}

/** A cluster of the store's own, with the nodes and the other settings of the caller's. */
export function createIoredisCluster(given: IoredisCluster): RedisCluster {
  const redisOptions = { ...given.options.redisOptions, ...CONNECTION_SETTINGS }
  return adapted(given.duplicate([], { ...CLUSTER_SETTINGS, redisOptions }))
}

function adapted(redis: IoredisCluster): RedisCluster {
  // ioredis connects to a master when there is a command for it: this finds out that one is missing.
  const ping = () => Promise.all(redis.nodes('master').map((master) => master.ping()))
  const life = lifeOf(redis, () => redis.nodes('all').map(({ stream }) => stream))
  return {
    ...commandsOf(redis),
    get isOpen() {
      return life.isOpen()
    },
    get isReady() {
      return life.isReady()
    },
    get masters() {
      return redis.nodes('master').map((client) => ({ client }))
    },
    async connect() {
      await life.connect()
      await ping()
    },
    destroy: life.destroy,
    on: life.on,
    duplicate: () => createIoredisCluster(redis),
    ping,
  }
}
