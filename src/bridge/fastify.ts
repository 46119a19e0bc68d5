import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WeappSession } from '../middleware.js'
import { BODY_HEADERS } from '../respond.js'
import { type BridgeOptions, createVisits, findVisit, textOf, type Visit } from './visit.js'

/** What the bridge needs of Fastify's request. */
export interface FastifyRequestLike {
  readonly raw: object
}

/** A plugin of Fastify. See {@link fastifyBridge}. */
export interface FastifyBridge {
  (fastify: object): Promise<void>
  /** A `preHandler` that refuses requests without a user: ERR_LOGIN_REQUIRED, as `requireWxUser()` does in Koa. */
  requireUser(request: FastifyRequestLike, reply: object): Promise<unknown>
}

interface Request extends FastifyRequestLike {
  readonly raw: IncomingMessage
  readonly body: unknown
}

interface Reply {
  readonly raw: ServerResponse
  /** Whether the handler answers by itself, or it is answered. */
  readonly sent: boolean
  readonly statusCode: number
  code(status: number): Reply
  type(type: string): Reply
  removeHeader(name: string): Reply
  send(payload?: string): Reply
}

type Hook = (request: Request, reply: Reply, third: unknown) => Promise<unknown>

interface Fastify {
  addHook(name: 'onRequest' | 'preValidation' | 'onError' | 'onSend', hook: Hook): unknown
}

/**
 * The sessions of `weappSession()` as a plugin of Fastify 5, also below NestJS. It stands for the whole instance that
 * registers it, and handlers get at the sessions by `wxUser(request)` and `wxSession(request)`.
 *
 * Requests are identified when their body is parsed (`preValidation`), and the session's data is saved before the answer goes
 * out (`onSend`), so that a conflict is a 409, as it is in Koa. After `reply.hijack()` it is saved when the answer is out.
 *
 * @throws {TypeError} for options that make no sense
 *
 * @example
 * const weapp = fastifyBridge(session)
 * await fastify.register(weapp)
 * fastify.get('/me', { preHandler: weapp.requireUser }, async (request) => ({ user: wxUser(request) }))
 */
export function fastifyBridge(session: WeappSession, options?: BridgeOptions): FastifyBridge {
  const visitOf = createVisits('fastifyBridge()', session, options)

  async function koaWeappSession(instance: object): Promise<void> {
    const fastify = instance as Fastify
    // `wx.request` says that its empty body is JSON, which Fastify refuses before it looks for a route: a logout is one.
    fastify.addHook('onRequest', async (request, reply) => {
      if (request.raw.method === 'POST' && isEmpty(request.raw)) return enter(request, reply)
      return undefined
    })
    fastify.addHook('preValidation', async (request, reply) => {
      return findVisit(request) ? undefined : enter(request, reply)
    })
    fastify.addHook('onError', async (request, _, error) => findVisit(request)?.fail(error))
    fastify.addHook('onSend', async (request, reply, payload) => {
      const visit = findVisit(request)
      // Fastify looks at the status of a `Response` after this.
      const { status } = payload instanceof Response ? payload : { status: reply.statusCode }
      if (!visit || !(await visit.finish(status))) return payload
      discard(payload)
      for (const name of BODY_HEADERS) reply.removeHeader(name)
      return dress(visit, reply)
    })
  }

  async function enter({ raw, body }: Request, reply: Reply): Promise<unknown> {
    const visit = visitOf(raw, reply.raw, body ?? undefined)
    // What the handler writes to `reply.raw` passes no `onSend`; and where the client leaves meanwhile, no `onResponse`. An
    // answer that is still to come passes `onSend`, client or not: its handler is not done.
    reply.raw.once('close', () => {
      if (reply.sent || reply.raw.headersSent) finishLate(visit)
    })
    return (await visit.enter()) ? undefined : send(visit, reply)
  }

  async function requireUser(request: FastifyRequestLike, reply: object): Promise<unknown> {
    const visit = findVisit(request)
    if (!visit) throw new TypeError('koa-weapp-session: requireUser needs the bridge before it')
    return (await visit.refuseGuest()) ? send(visit, reply as Reply) : undefined
  }

  return Object.assign(koaWeappSession, { requireUser }, FOR_ALL)
}

/** What Fastify reads of a plugin: its hooks are for the whole instance, as those of fastify-plugin are. */
const FOR_ALL = {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'koa-weapp-session',
}

/** The answer is out: nobody can be told. */
function finishLate({ ctx, finish }: Visit): void {
  finish(ctx.res.statusCode).catch((error: Error) => ctx.app.emit('error', error, ctx))
}

/** Whether a request has no body (RFC 9112, 6.3). */
function isEmpty({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}

function send(visit: Visit, reply: Reply): Reply {
  return reply.send(dress(visit, reply))
}

/** Status and type of the answer that the context has, and its text. The other headers are on the response of Node. */
function dress({ ctx }: Visit, reply: Reply): string | undefined {
  const text = textOf(ctx)
  reply.code(ctx.status)
  if (text !== undefined) reply.type('application/json; charset=utf-8')
  return text
}

/** A stream that is not sent after all: its file has to be closed. */
function discard(payload: unknown): void {
  const stream = payload instanceof Response ? payload.body : payload
  if (stream instanceof ReadableStream) stream.cancel().catch(() => {})
  const { destroy } = (stream ?? {}) as { destroy?: unknown }
  if (typeof destroy === 'function') destroy.call(stream)
}
