import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'

import type { Callbacks, Wechat, WxFailure } from '../../simulator/src/index.js'

export { until } from '../support/until.js'
export { startWechat } from '../support/wechat.js'

/** A server of the mini program that ends with the test; resolves to its URL. */
export async function startServer(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer)
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The text of a request. */
export async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** The result of a call with callbacks; its failure is thrown. */
export function result<Result>(call: (callbacks: Callbacks<Result>) => unknown): Promise<Result> {
  return new Promise((success, fail) => call({ success, fail }))
}

/** The failure of a call with callbacks; its result is thrown. */
export function failure<Result>(call: (callbacks: Callbacks<Result>) => unknown): Promise<WxFailure> {
  return new Promise((fail, success) => call({ success, fail }))
}

/** A code of a new login. */
export async function logIn(phone: ReturnType<Wechat['phone']>): Promise<string> {
  const { code } = await result(phone.wx.login)
  return code
}

/** The URL of an exchange; `wrong` replaces parameters, or takes them away with `undefined`. */
export function exchangeUrl(
  wechat: Wechat,
  code: string,
  wrong: Record<string, string | undefined> = {},
  base = 'https://api.weixin.qq.com',
): string {
  const right = {
    appid: wechat.appId,
    secret: wechat.appSecret,
    js_code: code,
    grant_type: 'authorization_code',
  }
  const entries = Object.entries({ ...right, ...wrong }).filter((entry): entry is [string, string] => {
    return entry[1] !== undefined
  })
  return `${base}/sns/jscode2session?${new URLSearchParams(entries)}`
}

/** The JSON of an exchange. */
export async function exchange(
  wechat: Wechat,
  code: string,
  wrong?: Record<string, string | undefined>,
): Promise<Record<string, string | number | undefined>> {
  const response = await wechat.fetch(exchangeUrl(wechat, code, wrong))
  return JSON.parse(await response.text())
}

export const minutes = (count: number): number => count * 60_000

/** Resolves after a moment in which something would have happened if it were to happen at all. */
export function soon(ms = 20): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const simulator = new URL('../../simulator/src/index.ts', import.meta.url).href

/** Runs a module, which finds `createWechat`, in a process of its own; resolves to its exit code and what it said. */
export async function run(
  source: string,
  env: NodeJS.ProcessEnv = {},
): Promise<{ exitCode: unknown; output: string }> {
  const child = spawn(
    process.execPath,
    ['--import=tsx', '--input-type=module', '-e', `import { createWechat } from '${simulator}'\n${source}`],
    { env: { ...process.env, ...env }, timeout: 8000 },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const [exitCode] = await once(child, 'close')
  return { exitCode, output }
}
