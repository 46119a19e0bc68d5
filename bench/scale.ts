/**
 * `npm run bench:scale`: what a request and a session cost when there are a thousand, a hundred thousand and a million of
 * them; beside a cluster; with Redis a millisecond away; and what is kept in memory. For docs/scale.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCluster } from 'redis'
import { startRedis } from '../test/support/redis.js'
import { startCluster } from '../test/support/redis-cluster.js'
import { growth } from './bytes.js'
import { bytesOfCached } from './cache-memory.js'
import { measure } from './load.js'
import { populate, sampleOf } from './population.js'
import { startWechat } from './wechat-process.js'

const { SCALE_SIZES = '1000,100000,1000000', SCALE_SECONDS = '4', SCALE_ROUNDS = '3' } = process.env

const HALF_MS = 500_000n

/** Sessions that are asked for: spread over all. */
const SAMPLE = 10_000

const folder = mkdtempSync(join(tmpdir(), 'weapp-scale-'))
const wechat = await startWechat()
try {
  console.log(`memory of the cache: ${Math.round(bytesOfCached(SAMPLE))} bytes for each session`)
  for (const size of SCALE_SIZES.split(',').map(Number)) await oneRedis(size)
  await aCluster(100_000)
} finally {
  wechat.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function oneRedis(size: number): Promise<void> {
  const redis = await startRedis()
  try {
    let codes: string[] = []
    const bytes = await growth(redis.url, size, async (url, users) => {
      codes = await populate({ url }, users)
    })
    console.log(`\n${size} sessions: ${Math.round(bytes)} bytes of Redis each (used_memory)`)
    const sample = sampleOf(codes, SAMPLE)
    await show('near, cache off', 'code', redis.url, sample)
    await show('near, cache on', 'codeCached', redis.url, sample)
    await show('near, logins', 'loginCode', redis.url, sample)
    if (size !== 100_000) return
    const far = await farAway(redis.port)
    await show('1 ms away, cache off', 'code', far.url, sample)
    await show('1 ms away, cache on', 'codeCached', far.url, sample)
    await show('1 ms away, logins', 'loginCode', far.url, sample)
    far.stop()
  } finally {
    await redis.stop()
  }
}

async function aCluster(size: number): Promise<void> {
  const redis = await startCluster()
  try {
    const client = createCluster({ rootNodes: redis.urls.map((url) => ({ url })) })
    const codes = await populate({ client }, size)
    client.destroy()
    console.log(`\n${size} sessions on three masters`)
    const sample = sampleOf(codes, SAMPLE)
    await show('cluster, cache off', 'code', redis.urls.join(), sample)
    await show('cluster, cache on', 'codeCached', redis.urls.join(), sample)
    await show('cluster, logins', 'loginCode', redis.urls.join(), sample)
  } finally {
    await redis.stop()
  }
}

/** The median of some rounds. */
async function show(what: string, name: string, redisUrl: string, codes: string[]): Promise<void> {
  const made = { code: codes.map((code) => JSON.stringify({ 'X-WX-Code': code })) }
  const setting = { redisUrl, wechatUrl: wechat.url, count: codes.length, made }
  const settingFile = join(folder, 'setting.json')
  writeFileSync(settingFile, JSON.stringify(setting))
  const options = { folder, settingFile, warmUp: 1, seconds: Number(SCALE_SECONDS), connections: 64 }
  const rounds = []
  for (let n = 0; n < Number(SCALE_ROUNDS); n++) rounds.push(await measure(name, setting, options))
  const [median] = rounds.sort((a, b) => a.cpu - b.cpu).slice(rounds.length >> 1)
  if (!median) return
  const { cpu, requestsPerSecond, p50, p99, memory } = median
  console.log(
    `  ${what.padEnd(22)} ${cpu.toFixed(1).padStart(6)} µs of CPU per request  ${Math.round(requestsPerSecond)}/s  ` +
      `p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ${Math.round(memory)} MB`,
  )
}

/** The same Redis with half a millisecond of way in each direction. */
async function farAway(port: number): Promise<{ url: string; stop(): void }> {
  const server = createServer((near) => {
    const far = dial(port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk) => later(() => to.writable && to.write(chunk)))
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => void server.close(),
  }
}

/** Timers have whole milliseconds. */
function later(work: () => void): void {
  const due = process.hrtime.bigint() + HALF_MS
  const look = () => (process.hrtime.bigint() >= due ? work() : setImmediate(look))
  setImmediate(look)
}
