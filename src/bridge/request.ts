import type { WxSession } from '../session/session.js'
import type { WxUserInfo } from '../wechat/user-info.js'
import { findVisit, type Visit } from './visit.js'

/**
 * A request as a framework has it: Node's own (plain `http`, Express, NestJS on Express), Fastify's (NestJS on Fastify), or
 * Hono's context.
 */
export type BridgedRequest = object

/**
 * The WeChat user of a request; `null` when it carries no credential: what `ctx.$wxUserInfo` is in Koa.
 *
 * @throws {TypeError} when no bridge has seen the request
 *
 * @example
 * expressApp.get('/me', (req, res) => {
 *   res.json({ user: wxUser(req) })
 * })
 */
export function wxUser(request: BridgedRequest): WxUserInfo | null {
  return visitOf('wxUser()', request).ctx.$wxUserInfo
}

/**
 * The session of a request; `null` when it carries no credential: what `ctx.$wxSession` is in Koa.
 *
 * @throws {TypeError} when no bridge has seen the request
 *
 * @example
 * expressApp.post('/cart', (req, res) => {
 *   const session = wxSession(req)
 *   if (session) session.data.cart = ['tea']
 *   res.json({ done: true })
 * })
 */
export function wxSession(request: BridgedRequest): WxSession | null {
  return visitOf('wxSession()', request).ctx.$wxSession
}

/**
 * Says that the handlers of a request have failed, before its answer begins: then nothing that they have put into `data` is
 * saved, and a refusal of ours is named in `Weapp-Session-Error`. For frameworks whose error handler no bridge can see, such
 * as the exception filters of NestJS. What is answered with 500 or more has failed in any case. Does nothing for a request that no
 * bridge has seen, as one whose body was refused before.
 *
 * @example
 * expressApp.get('/cart', (req, res) => {
 *   handlerFailed(req, new Error('out of stock'))
 *   res.json({ error: 'out of stock' })
 * })
 */
export function handlerFailed(request: BridgedRequest, error: unknown): void {
  findVisit(request)?.fail(error)
}

function visitOf(who: string, request: object): Visit {
  const visit = findVisit(request)
  if (visit) return visit
  throw new TypeError(`koa-weapp-session: ${who} needs a bridge before it, and a request that it has seen`)
}
