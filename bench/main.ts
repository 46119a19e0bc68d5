/** `npm run bench`: see docs/performance.md, which it writes. BENCH_ONLY=map,code BENCH_SECONDS=1 BENCH_ROUNDS=1 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../test/support/redis.js'
import { CANDIDATES } from './candidates.js'
import { type Measured, measure } from './load.js'
import { seed } from './seed.js'

const { BENCH_ONLY, BENCH_SECONDS = '3', BENCH_ROUNDS = '5', BENCH_SESSIONS = '10000' } = process.env
const names = BENCH_ONLY ? ['koa', ...BENCH_ONLY.split(',')] : Object.keys(CANDIDATES)
const folder = mkdtempSync(join(tmpdir(), 'weapp-bench-'))
const redis = await startRedis()
try {
  const setting = await seed(redis.url, Number(BENCH_SESSIONS))
  const settingFile = join(folder, 'setting.json')
  writeFileSync(settingFile, JSON.stringify(setting))
  const options = { folder, settingFile, warmUp: 1, seconds: Number(BENCH_SECONDS), connections: 64 }

  const results = new Map<string, Measured[]>(names.map((name) => [name, []]))
  for (let round = 0; round < Number(BENCH_ROUNDS); round++) {
    // Interleaved: what the machine does meanwhile is shared out among all.
    for (const name of names) {
      const measured = await measure(name, setting, options)
      results.get(name)?.push(measured)
      console.log(
        `${round + 1} ${name.padEnd(16)} ${measured.cpu.toFixed(1)} µs  ${Math.round(measured.requestsPerSecond)}/s`,
      )
    }
  }

  const koa = median(results.get('koa') ?? [], 'cpu')
  for (const [name, rounds] of results) {
    const cpu = median(rounds, 'cpu')
    console.log(
      `${(CANDIDATES[name]?.title ?? name).padEnd(40)} ${cpu.toFixed(1).padStart(7)} µs  ${(cpu / koa).toFixed(2).padStart(5)} × Koa  ` +
        `${Math.round(median(rounds, 'requestsPerSecond'))}/s  p50 ${median(rounds, 'p50').toFixed(2)}  p99 ${median(rounds, 'p99').toFixed(2)} ms  ${Math.round(median(rounds, 'memory'))} MB`,
    )
  }
} finally {
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
}

function median(rounds: Measured[], what: keyof Measured): number {
  const sorted = rounds.map((round) => round[what]).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
