import { deadline } from '../../util/deadline.js'
import { warn } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { isCluster, type RedisCluster, watchCluster } from './cluster.js'
import { warnOfEviction } from './eviction.js'
import { createOwn, NO_TIMER } from './own-client.js'
import type { Script } from './scripts/script.js'

/** A client that is looked after: connected when it is needed, listened to, and closed by whoever opened it. */
export interface Connection {
  /**
   * A client that is ready for a command. Rejects when there is none in time: node-redis would keep the command,
   * and send it when its caller has long gone. (A sentinel client says that it is ready while it looks for the next
   * master, and keeps commands until then: those come late, which each of ours can bear.)
   */
  client(): RedisClient | Promise<RedisClient>
  /** Runs one of our scripts: by its hash, and whole where Redis does not know it (any more). */
  run: Run
  /** Whether there are several nodes; `false` before the first command. */
  isCluster(): boolean
  close(): Promise<void>
}

export type Run = (script: Script, key: string, args: (string | number)[]) => Promise<unknown>

/** ms for one try to connect. A cluster of which a master is away would try for ever, with what it knew at first. */
const CONNECT_TIMEOUT = 2000

/**
 * Looks after the caller's client, or after one of our own for a URL. `timeout`: ms to wait for the first
 * connection; later, while Redis is away, there is no waiting.
 */
export function connectionTo(source: RedisClient | string, timeout: number): Connection {
  let client = typeof source === 'string' ? undefined : source
  let opening: Promise<RedisClient> | undefined
  let isOurs = false
  let wasReady = false
  let commands: { client: RedisClient; lean: RedisClient } | undefined
  let isClosed = false
  const listened = new WeakSet<RedisClient>()

  return {
    client: readyClient,

    async run(script, key, args) {
      const ready = readyClient()
      const client = ready instanceof Promise ? await ready : ready
      const options = { keys: [key], arguments: args.map(String) }
      try {
        return await client.evalSha(script.sha1, options)
      } catch (error) {
        // Redis tells its errors apart by the first word of their message, and by nothing else.
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        return client.eval(script.text, options)
      }
    },

    isCluster: () => client !== undefined && isCluster(client),

    async close() {
      isClosed = true
      if (isOurs && client?.isOpen) client.destroy()
    },
  }

  function readyClient(): RedisClient | Promise<RedisClient> {
    if (client?.isOpen && client.isReady !== false) return inUse(client)
    if (client?.isOpen && wasReady) throw notConnected()
    opening ??= open().finally(() => {
      opening = undefined
    })
    return deadline(timeout, opening, notConnected)
  }

  async function open(): Promise<RedisClient> {
    const opened = client ?? (await createOwn(String(source)))
    if (isClosed) throw new Error('the Redis store is closed')
    client = opened
    listenTo(opened)

    if (opened.isOpen) {
      if (opened.isReady === false) await new Promise<unknown>((resolve) => opened.on('ready', resolve))
    } else {
      isOurs = true
      await connect(opened, CONNECT_TIMEOUT)
    }
    return inUse(opened)
  }

  function inUse(ready: RedisClient): RedisClient {
    if (!wasReady) begin(ready)
    wasReady = true
    if (commands?.client !== ready)
      commands = { client: ready, lean: typeof source === 'string' ? ready : withoutTimer(ready) }
    return commands.lean
  }

  function begin(ready: RedisClient): void {
    if (isCluster(ready)) watch(ready)
    // Nobody waits for it.
    void warnOfEviction(ready)
  }

  function listenTo(opened: RedisClient): void {
    if (!listened.has(opened)) listen(opened)
    listened.add(opened)
  }

  function watch(cluster: RedisCluster): void {
    watchCluster(cluster, {
      isInUse: () => !isClosed && client === cluster && cluster.isOpen,
      connect(next, ms) {
        listenTo(next)
        return connect(next, ms)
      },
      takeOver: (next) => takeOver(cluster, next),
    })
  }

  function takeOver(cluster: RedisCluster, next: RedisCluster): void {
    if (isClosed) return void next.destroy()
    client = next
    // Commands that are under way get their answers first.
    if (isOurs) setTimeout(() => cluster.isOpen && cluster.destroy(), 2 * timeout).unref()
    isOurs = true
    watch(next)
  }
}

/** Of the same connections, whatever the caller has set for commands of their own. */
function withoutTimer(client: RedisClient): RedisClient {
  return client.withCommandOptions?.({ ...NO_TIMER, typeMapping: undefined }) ?? client
}

/**
 * Given up in time, because the next try can know more, and node-redis waits for ever for a handshake that was lost. Not
 * a sentinel client: destroyed while it connects, it would go on all the same, and never be of use again.
 */
export async function connect(client: RedisClient, timeout: number): Promise<void> {
  try {
    const connected = client.connect()
    await ('getMasterNode' in client ? connected : deadline(timeout, connected, notConnected))
  } catch (error) {
    // A cluster that has found no way in calls itself closed, and goes on connecting to the nodes that it has found.
    if (client.isOpen || isCluster(client)) client.destroy()
    throw error
  }
}

/** An 'error' event without a listener ends the process: in its place, one line per outage. */
function listen(client: RedisClient): void {
  let isReported = false
  client.on('ready', () => {
    isReported = false
  })
  client.on('error', (error) => {
    if (isReported) return
    isReported = true
    // Sentinel clients emit texts.
    const message = error instanceof Error ? error.message : String(error)
    warn('WEAPP_REDIS', `Redis cannot be used, and requests with a session get 503: ${message}`)
  })
}

function notConnected(): Error {
  return new Error('there is no connection to Redis')
}
