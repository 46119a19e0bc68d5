import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { candidateOf } from './all.js'
import type { Setting } from './candidates.js'
import { CODE } from './sessions.js'

/** What one server cost. */
export interface Measured {
  /** µs of CPU for each request, of the server's process alone: the figure that is stable on a noisy machine. */
  cpu: number
  requestsPerSecond: number
  /** ms */
  p50: number
  p99: number
  /** MB */
  memory: number
}

export interface LoadOptions {
  folder: string
  settingFile: string
  /** Seconds. */
  warmUp: number
  seconds: number
  connections: number
}

/**
 * One server on one core, the load (wrk) and Redis on the other. `--no-allocation-site-pretenuring`: V8 judges a
 * process by its first requests, and about every third start would cost twice as much.
 */
export async function measure(name: string, setting: Setting, options: LoadOptions): Promise<Measured> {
  const { folder, settingFile, warmUp, seconds, connections } = options
  const script = new URL('./server.ts', import.meta.url).pathname
  const flags = [
    '--no-allocation-site-pretenuring',
    '--import=tsx',
    ...(process.env.BENCH_FLAGS?.split(' ') ?? []),
  ]
  const args = [...pinned(0), process.execPath, ...flags, script, name, settingFile]
  const child = spawn(args[0] as string, args.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const url = `http://127.0.0.1:${port}/`
    await check(name, setting, url)
    const requests = writeRequests(name, setting, folder)
    // Until each session was asked for twice and more: what is kept of it is kept by then.
    for (let seen = 0; seen < (isLogin(name) ? 1 : 2.5 * setting.count); )
      seen += (await wrk(url, requests, warmUp, connections)).requests
    const before = await ask(child)
    const load = await wrk(url, requests, seconds, connections)
    const after = await ask(child)
    return {
      cpu: (after.cpu - before.cpu) / load.requests,
      requestsPerSecond: load.requests / seconds,
      p50: load.p50,
      p99: load.p99,
      memory: after.memory / 1024 / 1024,
    }
  } finally {
    child.kill(process.env.BENCH_FLAGS ? 'SIGTERM' : 'SIGKILL')
    await once(child, 'exit')
  }
}

/** That a server answers with the right user, or its figures are worth nothing. */
async function check(name: string, setting: Setting, url: string): Promise<void> {
  const ask = (code: string) => {
    const headers = Object.entries(candidateOf(name).headersOf(7, setting))
    const filled = headers.map(([header, value]) => [header, value === CODE ? code : value])
    return fetch(url, { headers: filled as [string, string][] })
  }
  // The first request connects to Redis, which may take longer than one may wait.
  await ask(`code-7-first-${name}-${Date.now()}`)
  const response = await ask(`code-7-second-${name}-${Date.now()}`)
  const { user } = (await response.json()) as { user?: { openId: string } }
  const expected = name === 'koa' ? 'o000000' : 'o000007'
  if (!user?.openId.startsWith(expected))
    throw new Error(`${name} answers ${response.status} ${JSON.stringify(user)}`)
}

function isLogin(name: string): boolean {
  return Object.values(candidateOf(name).headersOf(0, { made: {} } as unknown as Setting)).includes(CODE)
}

function writeRequests(name: string, setting: Setting, folder: string): string {
  const file = join(folder, `${name}.lua`)
  const lines = Array.from({ length: setting.count }, (_, n) => {
    const headers = Object.entries(candidateOf(name).headersOf(n, setting))
    return `  { ${headers.map(([header, value]) => `[${JSON.stringify(header)}] = ${JSON.stringify(value)}`).join(', ')} },`
  })
  writeFileSync(
    file,
    `local headers = {\n${lines.join('\n')}\n}
local requests = {}
local n = 0
-- A run takes a second at least, so no code comes twice: the second time it would be no login.
local run = os.time()
function init()
  for i = 1, #headers do requests[i] = wrk.format('GET', '/', headers[i]) end
end
function request()
  n = n + 1
  local request = requests[n % #requests + 1]
  ${isLogin(name) ? `return (request:gsub('${CODE}', 'code-' .. (n % #requests) .. '-${name}-' .. run .. '-' .. n, 1))` : 'return request'}
end
function done(summary, latency)
  io.write(string.format('FIGURES %d %d %f %f\\n', summary.requests,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
`,
  )
  return file
}

async function wrk(url: string, script: string, seconds: number, connections: number) {
  const args = [...pinned(1), 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]
  const child = spawn(args[0] as string, args.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  await once(child, 'close')
  const [, requests = 0, errors = 0, p50 = 0, p99 = 0] = (
    /FIGURES (\S+) (\S+) (\S+) (\S+)/.exec(output) ?? []
  ).map(Number)
  if (requests === 0 || errors > 0) throw new Error(`${errors} of ${requests} requests failed:\n${output}`)
  return { requests, p50, p99 }
}

async function ask(child: ReturnType<typeof spawn>): Promise<{ cpu: number; memory: number }> {
  child.send('cpu')
  const [answer] = await once(child, 'message')
  return answer as { cpu: number; memory: number }
}

const HAS_TASKSET = (() => {
  try {
    execFileSync('taskset', ['-c', '1', 'true'])
    return true
  } catch {
    return false
  }
})()

/** Where there are two cores, and the means to say so. */
function pinned(core: number): string[] {
  return HAS_TASKSET ? ['taskset', '-c', `${core}`] : []
}
