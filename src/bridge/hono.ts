import { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { WeappSession } from '../middleware.js'
import { BODY_HEADERS } from '../respond.js'
import { type BridgeOptions, createVisits, findVisit, textOf } from './visit.js'

/** What the bridge needs of Hono's context. */
export interface HonoContextLike {
  /** Of `@hono/node-server`: it has Node's request and response. */
  readonly env: unknown
  readonly error: Error | undefined
  res: Response
}

type Next = () => Promise<void>

/** The middleware of Hono. See {@link honoBridge}. */
export interface HonoBridge {
  (c: HonoContextLike, next: Next): Promise<Response | undefined>
  /** Refuses requests without a user: ERR_LOGIN_REQUIRED, as `requireWxUser()` does in Koa. */
  requireUser(c: HonoContextLike, next: Next): Promise<Response | undefined>
}

/**
 * The sessions of `weappSession()` for Hono on Node (`@hono/node-server`). Handlers get at them by `wxUser(c)` and
 * `wxSession(c)`. Goes before what reads the body, if there is a `loginPath`.
 *
 * The session's data is saved before the answer goes out, so that a conflict is a 409, as it is in Koa.
 *
 * @throws {TypeError} for options that make no sense; of a request, where Hono runs without Node's server
 *
 * @example
 * const weapp = honoBridge(session)
 * hono.use(weapp)
 * hono.get('/me', weapp.requireUser, (c) => c.json({ user: wxUser(c) }))
 */
export function honoBridge(session: WeappSession, options?: BridgeOptions): HonoBridge {
  const visitOf = createVisits('honoBridge()', session, options)

  async function bridge(c: HonoContextLike, next: Next): Promise<Response | undefined> {
    const { incoming, outgoing } = nodeOf(c.env)
    const visit = visitOf(incoming, outgoing)
    if (!(await visit.enter())) return responseOf(visit.ctx)
    await next()
    // Hono has caught it, and its error handler has made an answer.
    if (c.error) visit.fail(c.error)
    if (await visit.finish(c.res.status)) replaceAnswer(c, responseOf(visit.ctx))
    return undefined
  }

  async function requireUser(c: HonoContextLike, next: Next): Promise<Response | undefined> {
    const visit = findVisit(c)
    if (!visit) throw new TypeError('koa-weapp-session: requireUser needs the bridge before it')
    if (await visit.refuseGuest()) return responseOf(visit.ctx)
    await next()
    return undefined
  }

  return Object.assign(bridge, { requireUser })
}

function nodeOf(env: unknown): { incoming: IncomingMessage; outgoing: ServerResponse } {
  const { incoming, outgoing } = (env ?? {}) as { incoming?: unknown; outgoing?: unknown }
  if (incoming instanceof IncomingMessage && outgoing instanceof ServerResponse) return { incoming, outgoing }
  throw new TypeError('koa-weapp-session: honoBridge() needs the HTTP server of @hono/node-server')
}

/** The answer that the context has. Its headers are on the response of Node too; there they are written over. */
function responseOf(ctx: Context): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(ctx.res.getHeaders()))
    for (const one of [value].flat()) if (one !== undefined) headers.append(name, String(one))
  return new Response(ctx.method === 'HEAD' ? null : textOf(ctx), { status: ctx.status, headers })
}

/** Hono puts the headers of the answer before into the new one. */
function replaceAnswer(c: HonoContextLike, response: Response): void {
  c.res.body?.cancel().catch(() => {})
  c.res = response
  for (const name of [...BODY_HEADERS, 'Content-Length']) c.res.headers.delete(name)
}
