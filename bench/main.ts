/**
 * `npm run bench`: this project beside others and beside what cannot be beaten, and docs/performance.md from it.
 *
 * BENCH_ONLY=map,code     only these, and nothing is written
 * BENCH_SECONDS=3         of load for each, in each round
 * BENCH_ROUNDS=3
 * BENCH_WARM_UP=3         seconds, before: V8 is done with most of what it compiles by then
 * BENCH_SESSIONS=10000
 * BENCH_FLAGS=--cpu-prof  for the servers' node
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureProgram } from '../scripts/debian.js'
import { startRedis } from '../test/support/redis.js'
import { ALL, candidateOf } from './all.js'
import { bytesPerUser } from './bytes.js'
import { type Measured, measure } from './load.js'
import { lines, medianOf, writeReport } from './report.js'
import { seed } from './seed.js'
import { measureImport } from './start-up.js'
import { startWechat } from './wechat-process.js'

const {
  BENCH_ONLY,
  BENCH_WARM_UP = '3',
  BENCH_SECONDS = '3',
  BENCH_ROUNDS = '3',
  BENCH_SESSIONS = '10000',
} = process.env
const names = BENCH_ONLY ? BENCH_ONLY.split(',') : Object.keys(ALL)
for (const name of names) candidateOf(name)

if (!ensureProgram({ command: 'wrk', versionFlag: '-v', package: 'wrk' })) {
  console.error('The benchmark needs wrk (https://github.com/wg/wrk): install it, and start again.')
  process.exit(1)
}
const folder = mkdtempSync(join(tmpdir(), 'weapp-bench-'))
const redis = await startRedis()
const wechat = await startWechat()
try {
  const setting = await seed(redis.url, wechat.url, Number(BENCH_SESSIONS))
  const settingFile = join(folder, 'setting.json')
  writeFileSync(settingFile, JSON.stringify(setting))
  const options = {
    folder,
    settingFile,
    warmUp: Number(BENCH_WARM_UP),
    seconds: Number(BENCH_SECONDS),
    connections: 64,
  }

  const results = new Map<string, Measured[]>(names.map((name) => [name, []]))
  for (let round = 1; round <= Number(BENCH_ROUNDS); round++) {
    // Interleaved: what the machine does meanwhile is shared out among all.
    for (const name of names) {
      const measured = await measure(name, setting, options)
      results.get(name)?.push(measured)
      console.log(`${round}  ${name.padEnd(16)} ${measured.cpu.toFixed(1).padStart(6)} µs of CPU per request`)
    }
  }

  const medians = new Map([...results].map(([name, rounds]) => [name, medianOf(rounds)]))
  console.log(`\n${lines(medians).join('\n')}`)
  const { ms, megabytes } = measureImport()
  console.log(`import, beside a Koa that is loaded: ${ms.toFixed(0)} ms, ${megabytes.toFixed(1)} MB`)
  if (!BENCH_ONLY) writeReport({ medians, bytes: await bytesPerUser(), rounds: Number(BENCH_ROUNDS) })
} finally {
  wechat.stop()
  await redis.stop()
  rmSync(folder, { recursive: true, force: true })
}
