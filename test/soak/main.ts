/**
 * `npm run soak`: two servers under visitors who log in, read, write, go, and send junk, for an hour (SOAK_MINUTES), while
 * Redis and WeChat fail in each minute. Every answer is checked; at the end of each minute, at rest, so are heap, sockets,
 * timers and keys. Ends with 1 when an answer was wrong, or when something grows.
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureRedisServer } from '../../scripts/redis-server.js'
import { createWechat, type Wechat } from '../../simulator/src/index.js'
import { CODE_MEMORY } from '../../src/stores/store.js'
import { createAsking } from './asking.js'
import { type Fault, redisFaults, wechatFaults } from './faults.js'
import { createGate } from './gate.js'
import { createLedger } from './ledger.js'
import type { Figures } from './messages.js'
import type { Minute } from './minute.js'
import { createOutages } from './outages.js'
import { type RestartableRedis, startRestartableRedis } from './redis.js'
import { judge, printCounts, printHead, printMinute } from './report.js'
import { type Server, startServer } from './servers.js'
import {
  CACHE_MAX,
  MINUTES,
  SNAPSHOTS,
  STORE_TIMEOUT,
  TTL,
  WECHAT_CONCURRENCY,
  WECHAT_TIMEOUT,
} from './settings.js'
import { startVisitors } from './visitors.js'
import { fillCaches, meetFaults } from './warm-up.js'

/** ms of a minute: all is well, Redis fails, all is well, WeChat fails, all is well, a rest. */
const BEFORE_REDIS = 6000
const BEFORE_WECHAT = 14_000
const FAULT = 6000
const BEFORE_REST = 20_000
/** Longer than connections to WeChat are kept without use (4 s). */
const REST = 6000

/**
 * ms that a key may live: a session as long as its code, which WeChat takes for five minutes. So their number grows for as
 * long, and depends on the load from then on; but keys that all end by then cannot pile up.
 */
const LIFE_MAX = Math.max(CODE_MEMORY, TTL * 1000) + 1000

const keys = [randomBytes(32).toString('base64url')]
const ledger = createLedger()
const outages = createOutages()
const gate = createGate()
const asking = createAsking(gate, ledger, outages)
const ends: (() => Promise<unknown>)[] = []

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void endAll().then(() => process.exit(1)))

ensureRedisServer()
try {
  await soak()
} catch (error) {
  ledger.wrong(`the soak has ended early: ${error instanceof Error ? error.stack : error}`)
} finally {
  await endAll()
}
console.log(`\n${ledger.mistakes.length} wrong`)
process.exit(ledger.mistakes.length === 0 ? 0 : 1)

async function soak(): Promise<void> {
  const wechat = createWechat()
  ends.push(() => wechat.close())
  const redis = await startRestartableRedis()
  ends.push(() => redis.stop())
  const servers = [await start('header', wechat, redis), await start('code', wechat, redis, CACHE_MAX)]

  console.log('Warm-up: caches are filled')
  for (const server of servers) await fillCaches(server, { wechat, redis, keys, asking })
  const visitors = startVisitors(wechat, { asking, ledger, servers })
  const faults = { redis: redisFaults(redis, servers, outages), wechat: wechatFaults(wechat, outages) }
  console.log('Warm-up: every fault happens once')
  await meetFaults([...faults.redis, ...faults.wechat])

  const minutes: Minute[] = []
  printHead(servers)
  for (let n = 1; n <= MINUTES; n++) {
    const struck = [nth(faults.redis, n), nth(faults.wechat, n)] as const
    await liveThrough(struck)
    const minute = await rest(n, struck, servers, redis)
    minutes.push(minute)
    printMinute(minute)
  }
  await visitors.stop()

  printCounts(ledger)
  for (const finding of judge(servers, minutes)) ledger.wrong(finding)
}

async function start(
  carrier: 'header' | 'code',
  wechat: Wechat,
  redis: RestartableRedis,
  cacheMax?: number,
): Promise<Server> {
  const { appId, appSecret } = wechat
  const settings = {
    carrier,
    keys,
    ...(cacheMax !== undefined && { cacheMax }),
    options: { appId, appSecret, ttl: TTL, rolling: carrier === 'code' },
    wechat: { baseUrl: await wechat.listen(), timeout: WECHAT_TIMEOUT, concurrency: WECHAT_CONCURRENCY },
    store: { prefix: redis.prefix, timeout: STORE_TIMEOUT },
  }
  const server = await startServer({ settings, redisPort: redis.port, ledger })
  ends.push(() => server.stop())
  return server
}

async function liveThrough([redisFault, wechatFault]: readonly [Fault, Fault]): Promise<void> {
  await sleep(BEFORE_REDIS)
  await redisFault.strike(FAULT)
  await sleep(BEFORE_WECHAT)
  await wechatFault.strike(FAULT)
  await sleep(BEFORE_REST)
}

/** Nothing is under way: what the servers hold now, they keep. */
async function rest(
  n: number,
  struck: readonly Fault[],
  servers: readonly Server[],
  redis: RestartableRedis,
): Promise<Minute> {
  await gate.close()
  for (const { agent } of servers) agent.destroy()
  await sleep(REST)
  const figures = await Promise.all(servers.map(measureAtRest))
  await writeSnapshots(n, servers)
  const lives = await redis.lives()
  for (const life of lives.filter((life) => life < 0 || life > LIFE_MAX))
    ledger.wrong(`a key of Redis lives for ${life < 0 ? 'ever' : `${life} ms`}`)
  gate.open()
  const { operations } = ledger
  return { n, faults: struck.map(({ name }) => name), operations, figures, keys: lives.length }
}

/** All that an idle server holds are its connections to Redis: one for commands, and one that hears of changes. */
async function measureAtRest({ name, isCached, measure }: Server): Promise<Figures> {
  const figures = await measure()
  const { sockets, timers } = figures
  if (sockets > (isCached ? 2 : 1) || timers > 0)
    ledger.wrong(`${name} holds ${sockets} sockets and ${timers} timers at rest`)
  return figures
}

async function writeSnapshots(n: number, servers: readonly Server[]): Promise<void> {
  if (!SNAPSHOTS || (n !== Math.ceil(MINUTES / 2) && n !== MINUTES)) return
  await mkdir(SNAPSHOTS, { recursive: true })
  for (const { name, snapshot } of servers)
    await snapshot(join(SNAPSHOTS, `${name.replace(/\W+/g, '-')}.${n}.heapsnapshot`))
}

async function endAll(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end().catch(() => {})
}

/** Each in its turn. */
function nth<T>(all: readonly T[], n: number): T {
  return all[(n - 1) % all.length] as T
}
