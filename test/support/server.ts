import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import Koa, { type Context, type Middleware } from 'koa'
import supertest, { type Response } from 'supertest'
import type { Wechat } from '../../simulator/src/index.js'
import { type WeappSession, type WeappSessionOptions, weappSession } from '../../src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { traceResponses } from './trace.js'
import { startWechat } from './wechat.js'

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

/** Connections that wait to be accepted: a thousand at once are more than the 511 that Node asks for. */
const BACKLOG = 4096

/** Serves a Koa app on a free port. */
export async function listen(t: ExecutionContext, app: Koa): Promise<string> {
  const server = createServer(app.callback())
  traceResponses(server)
  return listenTo(t, server)
}

/** Opens a server on a free port; it ends with the test. */
export async function listenTo(t: ExecutionContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1', BACKLOG)
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

/** Asserts that a dead cookie is taken back, and that its browser is a guest, who is told to log in. */
export function isForgotten(t: ExecutionContext, response: Response): void {
  t.is(response.status, 200)
  t.is(response.body.user, null)
  t.is(response.get('Weapp-Login') ?? response.get('X-WX-Login'), 'required')
  t.is(response.get('Cache-Control'), 'no-store')
  // Taken back, or replaced by that of the new guest.
  t.is(response.get('Set-Cookie')?.length, 1)
}

/** Asserts that a response is a refusal, in body, status and headers. */
export function isRefused(
  t: ExecutionContext,
  response: Response,
  reason: string,
  status: number,
  prefix = 'X-WX-',
): void {
  t.is(response.status, status)
  t.is(response.body.reason, reason)
  t.is(response.body[MAGIC_ID], 1)
  t.is(response.body.error.name, 'WeappSessionError')
  t.is(typeof response.body.error.message, 'string')
  t.is(response.get(`${prefix}Session-Error`), reason)
  t.is(response.get('Cache-Control'), 'no-store')
}

/** `npm run test:koa-2` runs the tests on Koa 2. */
export function isKoa3(): boolean {
  const { version } = createRequire(import.meta.url)('koa/package.json')
  return version.startsWith('3.')
}
