import { deadline } from '../deadline.js'
import { warn } from '../warn.js'

/**
 * Turns off the timer that node-redis starts for each command, which costs as much as the command and stops
 * counting once it is written: our own deadline covers the whole call. Its type does not know `undefined`.
 */
const NO_TIMER = { timeout: undefined } as unknown as { timeout: number }

/** What `eval` and its like take: the one key of the script, and its arguments. */
export interface ScriptOptions {
  keys: string[]
  arguments: string[]
}

/** The commands used here. A client, a cluster or a sentinel from the `redis` package (6) has them. */
export interface RedisClient {
  readonly isOpen: boolean
  connect(): Promise<unknown>
  close(): Promise<unknown>
  destroy(): unknown
  on(event: 'error' | 'ready', listener: (error: Error) => void): unknown
  get(key: string): Promise<string | null>
  set(key: string, value: string, options: { expiration: { type: 'PX'; value: number } }): Promise<unknown>
  hDel(key: string, fields: string[]): Promise<unknown>
  hGetAll(key: string): Promise<Record<string, string>>
  eval(script: string, options: ScriptOptions): Promise<unknown>
  evalSha(sha1: string, options: ScriptOptions): Promise<unknown>
}

/** A client that is being looked after: connected, listened to, and closed by whoever opened it. */
export interface Connection {
  /** A promise only until the first connection stands. */
  client(): RedisClient | Promise<RedisClient>
  close(): Promise<void>
}

/** Looks after the caller's client: connects it when it is not, and then also closes it. */
export function useClient(client: RedisClient): Connection {
  const isOurs = !client.isOpen
  listen(client)
  // Not awaited, and no error here: while Redis is away this never settles, and requests get their 503.
  if (isOurs) client.connect().catch(() => {})

  return {
    client: () => client,
    async close() {
      if (isOurs) end(client)
    },
  }
}

/**
 * Makes a client of our own from a URL, with settings that fail fast (`timeout`: ms): node-redis keeps commands for a
 * connection that is gone, starts a timer for each command, and may give up reconnecting for good.
 */
export function openClient(url: string, timeout: number): Connection {
  let client: RedisClient | undefined
  let isReady = false
  const ready = open()
  // Whoever asks for the client gets this error; that nobody asks is no reason to end the process.
  ready.catch(() => {})

  return {
    // Who comes before the first connection stands waits for it, no longer than a call may take: a command
    // must not be sent when its caller has long gone. Later, while Redis is away, commands fail at once.
    client: () => (isReady && client ? client : deadline(timeout, ready, notYet)),
    async close() {
      if (client) end(client)
    },
  }

  async function open(): Promise<RedisClient> {
    const { createClient } = await import('redis').catch((cause: unknown) => {
      throw new Error("koa-weapp-session: redisStore({ url }) needs the package 'redis': npm install redis", {
        cause,
      })
    })
    const opened = createClient({
      url,
      disableOfflineQueue: true,
      commandsQueueMaxLength: 10_000,
      commandOptions: NO_TIMER,
      pingInterval: 1000,
      maintNotifications: 'disabled',
      socket: {
        connectTimeout: 1000,
        socketTimeout: 3000,
        reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 1000) + Math.random() * 100,
      },
    })
    client = opened
    useClient(opened)
    await new Promise((resolve) => opened.once('ready', resolve))
    isReady = true
    return opened
  }
}

/** An 'error' event without a listener ends the process: in its place, one line per outage. */
function listen(client: RedisClient): void {
  let isReported = false
  client.on('ready', () => {
    isReported = false
  })
  client.on('error', ({ message }) => {
    if (isReported) return
    isReported = true
    warn('WEAPP_REDIS', `Redis cannot be used, and requests with a session get 503: ${message}`)
  })
}

function notYet(): Error {
  return new Error('there is no connection to Redis yet')
}

function end(client: RedisClient): void {
  if (client.isOpen) client.destroy()
}
