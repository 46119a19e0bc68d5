/**
 * The server for production: sessions in Redis, drawings in MongoDB or in a folder, the real WeChat.
 *
 * REDIS_URL                   keeps the sessions: redis://127.0.0.1:6379
 * WEAPP_ID and WEAPP_SECRET   of the mini program
 * MONGO_URL                   keeps the drawings: mongodb://127.0.0.1:27017/one-stroke. Without it they are kept in
 * DATA_DIR                    a folder of this machine; default ./data
 * PORT, HOST                  default 3000 and 127.0.0.1
 * TRUST_PROXY                 1 behind a proxy that sets X-Forwarded-For, -Host and -Proto itself; default 0
 * SHUTDOWN_DELAY              ms between /readyz saying that the end is near, and the end of accepting connections: for
 *                             load balancers that ask it. Default 0
 * WECHAT_URL                  where WeChat's API is, for a proxy in front of it, and for tests
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { redisStore, weappSession } from 'koa-weapp-session'
import { createApp } from './app.js'
import { within } from './deadline.js'
import { drainable } from './drain.js'
import { printLine } from './log.js'
import { openDrawings } from './open-drawings.js'
import { readSettings, SettingsError } from './settings.js'

/** ms that the server waits for Redis before it listens. */
const WARM_UP = 2000

const settings = await orExit(() => readSettings(process.env))
const { appId, appSecret, wechatUrl, redisUrl } = settings
const drawings = await orExit(() => openDrawings(settings.drawings))
const store = redisStore({ url: redisUrl })
const session = weappSession({
  appId,
  appSecret,
  store,
  rolling: true,
  ...(wechatUrl && { wechat: { baseUrl: wechatUrl } }),
})

let isEnding = false
const app = createApp({
  session,
  drawings,
  log: printLine,
  checks: {
    process: async () => {
      if (isEnding) throw new Error('this process is about to end')
    },
    sessions: reachSessions,
  },
})
app.proxy = settings.trustProxy
// The proxy's own word is the last one; what is before it comes from the client.
app.maxIpsCount = 1

// Beside rawData of 8 KB (encoded), a login may bring encrypted data; Node takes 16 KB of headers by default.
const server = createServer({ maxHeaderSize: 32 * 1024 }, app.callback())
// Longer than a proxy keeps a connection: the one who closes it must be the one who sends on it.
server.keepAliveTimeout = 75_000
const { drain } = drainable(server)
await warmUp()
await orExit(() => listen())
const { port } = server.address() as AddressInfo
printLine({ event: 'listening', url: `http://${settings.host}:${port}`, pid: process.pid })

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal))
// Of pm2, with shutdown_with_message.
process.on('message', (message) => {
  if (message === 'shutdown') void end(message)
})
// To pm2, with wait_ready.
process.send?.('ready')

/** Whatever stands under this id: an answer is all that is asked for, on the very connection that requests use. */
async function reachSessions(): Promise<void> {
  await store.read('readyz')
}

/**
 * Connects to Redis before the first request comes, which would not wait for that. Where there is no Redis, the server
 * starts without: it says that it is not ready, and serves as soon as Redis is there.
 */
async function warmUp(): Promise<void> {
  const deadline = Date.now() + WARM_UP
  while (Date.now() < deadline) {
    const isReached = await within(WARM_UP, 'Redis', reachSessions()).then(
      () => true,
      () => false,
    )
    if (isReached) return
    await sleep(50)
  }
}

async function end(reason: string): Promise<void> {
  if (isEnding) return
  isEnding = true
  printLine({ event: 'ending', reason, pid: process.pid })
  await sleep(settings.shutdownDelay)
  await drain()
  await Promise.allSettled([session.close(), drawings.close()])
  printLine({ event: 'ended', pid: process.pid })
  process.exit(0)
}

async function listen(): Promise<void> {
  server.listen(settings.port, settings.host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new SettingsError(
      `HOST and PORT: ${settings.host}:${settings.port} cannot be listened on (${code}): end what is there, or set another.`,
      { cause },
    )
  }
}

/** A mistake in the settings is one sentence; anything else is ours, and has a stack. */
async function orExit<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    console.error(error instanceof SettingsError ? error.message : error)
    process.exit(1)
  }
}
