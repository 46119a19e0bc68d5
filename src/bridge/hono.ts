import type { WeappSession } from '../middleware.js'
import { BODY_HEADERS } from '../respond.js'
import { sendWhenSaved } from './send-when-saved.js'
import {
  type BridgeOptions,
  bindingsOf,
  createVisits,
  findVisit,
  type NodeRequest,
  type NodeResponse,
  textOf,
  type Visit,
} from './visit.js'

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
 * The session's data is saved before the answer goes out, so that a conflict is a 409, as it is in Koa. That holds for HTTP/2,
 * and for what is written to `c.env.outgoing` beside a `RESPONSE_ALREADY_SENT`, too.
 *
 * The handshake of a WebSocket (`upgradeWebSocket()`) has its user and its session as well, but it cannot log in, because its
 * client reads no headers. `wxSession(c).update()` and `.save()` save what messages change later.
 *
 * @throws {TypeError} for options that make no sense; of a request, where Hono runs without Node's server, as by `app.request()`
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
    if (!(await visit.enter())) return responseOf(visit)
    const answer = outgoing && sendWhenSaved(visit, (error) => fail(visit, error))
    await next()
    // Hono has caught it, and its error handler has made an answer.
    if (c.error) visit.fail(c.error)
    // The handler writes to Node's response, now or later.
    if (answer?.held.hasBegun()) return undefined
    if (outgoing && isByHand(c.res, outgoing)) return void outgoing.once('close', () => finishLate(visit))
    answer?.held.release()
    if (!(await visit.finish(c.res.status))) return undefined
    replaceAnswer(c, responseOf(visit))
    // Where the handler has called upgradeWebSocket(), nobody looks at the answer.
    if (!outgoing) visit.ctx.app.emit('error', new Error(NOT_SAVED, { cause: visit.ctx.body }), visit.ctx)
    return undefined
  }

  async function requireUser(c: HonoContextLike, next: Next): Promise<Response | undefined> {
    const visit = findVisit(c)
    if (!visit) throw new TypeError('koa-weapp-session: requireUser needs the bridge before it')
    if (await visit.refuseGuest()) return responseOf(visit)
    await next()
    return undefined
  }

  return Object.assign(bridge, { requireUser })
}

/** By what they can do: HTTP/2 has classes of its own. A handshake has no response. */
function nodeOf(env: unknown): { incoming: NodeRequest; outgoing: NodeResponse | undefined } {
  const { incoming, outgoing } = bindingsOf(env)
  if (!has(incoming, 'headers')) throw new TypeError(NO_REQUEST)
  if (outgoing !== undefined && !has(outgoing, 'setHeader')) throw new TypeError(NO_RESPONSE)
  return { incoming: incoming as NodeRequest, outgoing: outgoing as NodeResponse | undefined }
}

function has(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && name in value
}

const NO_REQUEST =
  'koa-weapp-session: honoBridge() finds no c.env.incoming, which serve() of @hono/node-server puts there. app.request() and other ' +
  'runtimes have none; a `fetch` of your own has to pass its second argument on: app.fetch(request, env)'

const NO_RESPONSE =
  'koa-weapp-session: honoBridge() finds a c.env.incoming, but a c.env.outgoing that is no response of Node'

const NOT_SAVED =
  'koa-weapp-session: what the handler of a handshake has put into the data was not saved, and the socket may be open: see the cause'

/** Whether a handler has said, by `RESPONSE_ALREADY_SENT` of @hono/node-server, that it writes the answer itself. */
function isByHand({ headers }: Response, outgoing: NodeResponse): boolean {
  const { stream } = outgoing as { stream?: { closed: boolean } }
  const isOver = stream ? stream.closed : outgoing.closed || outgoing.writableEnded
  return headers.has('X-Hono-Already-Sent') && !isOver
}

/** The client has gone before the handler has written anything. Otherwise this is done. */
function finishLate({ ctx, finish }: Visit): void {
  finish(ctx.res.statusCode).catch((error: Error) => ctx.app.emit('error', error, ctx))
}

/** What a handler has written itself cannot be saved, or sent, for a reason that is none of the client's. */
function fail({ ctx }: Visit, error: unknown): void {
  ctx.app.emit('error', error, ctx)
  if (!ctx.res.headersSent) ctx.res.statusCode = 500
  ctx.res.end()
}

/** The answer that the context has. Its headers are on the response of Node too; there they are written over. */
function responseOf({ ctx, hasResponse }: Visit): Response {
  // Nobody writes the headers there, so what we have to say is put in here.
  if (!hasResponse && !ctx.res.headersSent) ctx.res.writeHead(ctx.status)
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
