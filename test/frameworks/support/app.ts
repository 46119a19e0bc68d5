import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Wechat } from '../../../simulator/src/index.js'
import { freePort } from '../../support/redis.js'
import { trace } from '../../support/trace.js'
import { type CarrierName, KEY } from '../../support/visitor.js'

/** ms. A cluster of processes, on a machine that does something else too. */
const PATIENCE = 60_000

/** An app that runs, with one of the carriers. */
export interface App {
  readonly carrier: CarrierName
  readonly wechat: Wechat
  /** Where it is installed, and what it writes. */
  readonly folder: string
  send(path: string, headers?: Record<string, string>, method?: string, body?: object): Promise<Answer>
  /** Sends a GET, and is gone before the answer. */
  giveUp(path: string, headers: Record<string, string>): Promise<void>
  stop(): Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  text: string
}

export interface StartOptions {
  folder: string
  program: string
  carrier: CarrierName
  wechat: Wechat
}

export async function startApp({ folder, program, carrier, wechat }: StartOptions): Promise<App> {
  const port = await freePort()
  const { appId, appSecret } = wechat
  const child = spawn(process.execPath, [join(folder, program)], {
    cwd: folder,
    // A group of its own: Egg starts more processes, and all have to end.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      // Egg keeps its logs there.
      HOME: folder,
      NODE_ENV: 'production',
      EGG_SERVER_ENV: 'prod',
      EGG_KEYS: KEY,
      MIDWAY_KEYS: KEY,
      PORT: String(port),
      WEAPP_ID: appId,
      WEAPP_SECRET: appSecret,
      WECHAT_URL: await wechat.listen(),
      SESSION_KEY: KEY,
      CARRIER: carrier,
    },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      // It is searched for secrets like all that is sent.
      trace('responses', text)
    })
  const url = `http://127.0.0.1:${port}`
  try {
    await answers(url, child)
  } catch (error) {
    await end(child)
    throw new Error(`${program} in ${folder} does not answer. It said:\n${said}`, { cause: error })
  }

  return {
    carrier,
    wechat,
    folder,
    stop: () => end(child),
    async giveUp(path, headers) {
      const signal = AbortSignal.timeout(300)
      await fetch(url + path, { headers, signal }).then(
        () => Promise.reject(new Error(`${path} has answered`)),
        () => {},
      )
    },
    async send(path, headers = {}, method = 'GET', body) {
      const json = body && { body: JSON.stringify(body) }
      const type: Record<string, string> = body ? { 'Content-Type': 'application/json' } : {}
      const init = { method, headers: { ...headers, ...type }, redirect: 'manual', ...json } as const
      const response = await fetch(url + path, init)
      const text = await response.text()
      trace('responses', `${JSON.stringify([...response.headers])}\n${text}`)
      return { status: response.status, headers: response.headers, text }
    },
  }
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + PATIENCE
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it has ended with ${child.exitCode}`)
    if (Date.now() > deadline) throw new Error(`nothing within ${PATIENCE} ms`)
    const isThere = await fetch(`${url}/me`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isThere) return
    await sleep(50)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || !child.pid) return
  const exit = once(child, 'exit')
  process.kill(-child.pid, 'SIGKILL')
  await exit
}
