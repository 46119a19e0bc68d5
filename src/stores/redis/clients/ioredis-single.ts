import type { RedisClient } from '../client.js'
import { commandsOf, type IoredisCommands } from './ioredis-commands.js'
import { type IoredisConnection, lifeOf, type Socket } from './ioredis-life.js'
import { type OwnClientUse, reconnectPause, TCP_TIMEOUT, watchOwn } from './watch.js'

/** `Redis` of ioredis or iovalkey: one server, or the master that sentinels name. */
export interface IoredisSingle extends IoredisCommands, IoredisConnection {
  readonly stream?: Socket | null
  duplicate(overrides: object): IoredisSingle
  info(section: string): Promise<string>
  ping(): Promise<unknown>
}

/** What ioredis is told of each connection, whatever the caller's settings are. */
export const CONNECTION_SETTINGS: object = {
  lazyConnect: true,
  connectTimeout: TCP_TIMEOUT,
  // Our own deadlines speak before these would.
  commandTimeout: undefined,
  socketTimeout: undefined,
  // A command is sent once: neither kept, nor sent again when its answer is lost or an error.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  reconnectOnError: null,
  // What is read and what comes back is as the store expects it.
  readOnly: false,
  monitor: false,
  stringNumbers: false,
  enableAutoPipelining: false,
}

/** A client of the store's own for the server, or the sentinels, of the caller's. The first connection is tried once. */
export function createIoredisSingle(given: IoredisSingle, use: OwnClientUse): RedisClient {
  let wasReady = false
  const redis = given.duplicate({
    ...CONNECTION_SETTINGS,
    enableOfflineQueue: false,
    // Sentinels can also name a replica.
    role: 'master',
    retryStrategy: (tries: number) => (wasReady ? reconnectPause(tries - 1) : null),
    sentinelRetryStrategy: (tries: number) => (wasReady ? reconnectPause(tries - 1) : null),
  })
  const life = lifeOf(redis, () => [redis.stream])
  const client: RedisClient = {
    ...commandsOf(redis),
    get isOpen() {
      return life.isOpen()
    },
    get isReady() {
      return life.isReady()
    },
    connect: life.connect,
    destroy: life.destroy,
    on: life.on,
    info: (section) => redis.info(section),
    ping: () => redis.ping(),
  }
  redis.on('error', (error) => {
    // ioredis would go on with database 0.
    if (isOfSelect(error)) life.destroy()
  })
  redis.on('ready', () => {
    wasReady = true
  })
  watchOwn(client, { ...use, onLost: use.onSilent })
  return client
}

function isOfSelect(error: Error & { command?: { name?: unknown } }): boolean {
  return error.command?.name === 'select'
}
