import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import Koa, { type Context, type Middleware } from 'koa'
import supertest, { type Response } from 'supertest'
import { type WeappSession, type WeappSessionOptions, weappSession } from '../../src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { createWechat, type Phone, type Wechat } from '../../src/simulator/index.js'
import { trace, traceResponses } from './trace.js'

export interface TestServer {
  app: Koa
  url: string
  wechat: Wechat
  session: WeappSession
  /** A GET with these headers. */
  send(headers?: Record<string, string>, path?: string): Promise<Response>
}

export interface TestServerOptions extends Partial<WeappSessionOptions> {
  /** The simulated WeChat; default: one of its own. */
  weixin?: Wechat
  /** What comes after the session middleware; default: answers with `{ user, isNew, data }`. */
  handler?: Middleware
}

/** A Koa server with the middleware, on real HTTP, and a WeChat of its own; ends with the test. */
export async function startServer(t: ExecutionContext, options: TestServerOptions = {}): Promise<TestServer> {
  const { weixin, handler = answer, wechat: reached, ...rest } = options
  const wechat = weixin ?? startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({ appId, appSecret, wechat: { fetch, ...reached }, ...rest })
  const app = new Koa()
  app.silent = true
  app.use(session)
  app.use(handler)
  const url = await listen(t, app)
  t.teardown(() => session.close())
  const send = async (headers: Record<string, string> = {}, path = '/') =>
    supertest(url).get(path).set(headers)
  return { app, url, wechat, session, send }
}

/** A WeChat whose secrets must not turn up anywhere; ends with the test. */
export function startWechat(t: ExecutionContext, options?: Parameters<typeof createWechat>[0]): Wechat {
  const wechat = createWechat(options)
  t.teardown(async () => {
    for (const secret of wechat.secrets()) trace('secrets', secret)
    await wechat.close()
  })
  return wechat
}

/** Serves a Koa app on a free port. */
export async function listen(t: ExecutionContext, app: Koa): Promise<string> {
  const server = createServer(app.callback())
  traceResponses(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What most tests want to know of a request. */
export function answer(ctx: Context): void {
  ctx.body = { user: ctx.$wxUserInfo, isNew: ctx.$wxSession?.isNew, data: ctx.$wxSession?.data }
}

/** A fresh code. */
export function newCode(phone: Phone): Promise<string> {
  return new Promise((resolve, reject) => {
    phone.wx.login({ success: ({ code }) => resolve(code), fail: reject })
  })
}

/** The headers of a login as the original client makes them: a fresh code, and what getUserInfo signs. */
export async function loginHeaders(phone: Phone): Promise<Record<string, string>> {
  const code = await newCode(phone)
  return new Promise((resolve, reject) => {
    phone.wx.getUserInfo({
      success: ({ rawData, signature }) =>
        resolve({
          'X-WX-Code': code,
          'X-WX-RawData': encodeURIComponent(rawData),
          'X-WX-Signature': signature,
        }),
      fail: reject,
    })
  })
}

/** The headers of a login without a profile. */
export async function codeLoginHeaders(phone: Phone): Promise<Record<string, string>> {
  return { 'X-WX-Code': await newCode(phone), 'X-WX-Login': 'code' }
}

/** What a later request carries in the code carrier: the code of its login, and nothing else. */
export function codeOnly(headers: Record<string, string>): Record<string, string> {
  return { 'X-WX-Code': headers['X-WX-Code'] ?? '' }
}

/** A phone of a user who has a name, as before 2021. */
export function namedPhone(wechat: Wechat, name: string): Phone {
  const phone = wechat.phone(name)
  phone.userInfo = 'named'
  return phone
}

/** Asserts that a response is a refusal, in body, status and headers. */
export function isRefused(t: ExecutionContext, response: Response, reason: string, status: number): void {
  t.is(response.status, status)
  t.is(response.body.reason, reason)
  t.is(response.body[MAGIC_ID], 1)
  t.is(response.body.error.name, 'WeappSessionError')
  t.is(typeof response.body.error.message, 'string')
  t.is(response.get('X-WX-Session-Error'), reason)
  t.is(response.get('Cache-Control'), 'no-store')
}
