import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import supertest, { type Response } from 'supertest'
import type { Wechat } from '../../simulator/src/index.js'
import type { WeappSessionOptions } from '../../src/index.js'

/** What a server process is told; see server-process.ts for what it answers. */
export interface ProcessSettings {
  /** Beside those of the WeChat and the store. */
  options: Pick<
    WeappSessionOptions,
    'appId' | 'appSecret' | 'ttl' | 'rolling' | 'maxAge' | 'maxSessionsPerUser'
  >
  wechat: { baseUrl: string; timeout: number }
  store: StoreSettings
  /** Of headerCarrier(), with guests. Without: the code of the login is the credential. */
  keys?: string[]
}

/** One of `url`, `cluster` (URLs) and `sentinels` (ports on 127.0.0.1, of a master named `mymaster`). */
export interface StoreSettings {
  /** By which kind of client, of those in redis-clients.ts. Default: that of a URL, and `redis 6`. */
  library?: string
  url?: string
  cluster?: string[]
  sentinels?: number[]
  prefix: string
  /** ms */
  timeout: number
}

export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Resolves when the process has ended, with its exit code (`null` when it was killed). */
  readonly exit: Promise<number | null>
  send(headers?: Record<string, string>, path?: string): Promise<Response>
  /** SIGKILL ends it, SIGSTOP freezes it, SIGCONT thaws it. */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

export interface ProcessOptions {
  wechat: Wechat
  store: StoreSettings
  options?: Omit<ProcessSettings['options'], 'appId' | 'appSecret'>
  keys?: ProcessSettings['keys']
  /** ms for an exchange. Default 10 s: patient, because the machine is busy with other tests. */
  exchangeTimeout?: number
}

const SCRIPT = fileURLToPath(new URL('./server-process.ts', import.meta.url))

/** Starts a server in a process of its own; it ends with the test. */
export async function startProcess(t: ExecutionContext, options: ProcessOptions): Promise<ServerProcess> {
  const { wechat, store, options: others, keys, exchangeTimeout: timeout = 10_000 } = options
  const { appId, appSecret } = wechat
  const settings: ProcessSettings = {
    options: { ...others, appId, appSecret },
    wechat: { baseUrl: await wechat.listen(), timeout },
    store,
    ...(keys && { keys }),
  }
  const child = spawn(process.execPath, ['--import=tsx', '--expose-gc', SCRIPT], {
    env: { ...process.env, SETTINGS: JSON.stringify(settings) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const [line] = await once(child.stdout, 'data')
  const url = String(line).trim()

  return {
    url,
    pid: child.pid ?? 0,
    exit,
    send: async (headers = {}, path = '/') => supertest(url).get(path).set(headers),
    kill: (signal) => void child.kill(signal),
  }
}

export function startProcesses(
  t: ExecutionContext,
  count: number,
  options: ProcessOptions,
): Promise<ServerProcess[]> {
  return Promise.all(Array.from({ length: count }, () => startProcess(t, options)))
}
