import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import Koa, { type Context, type Middleware } from 'koa'
import { markHandshake } from '../handshake.js'
import type { WeappSession } from '../middleware.js'
import { requireWxUser } from '../require-user.js'
import { checkBoolean, checkOptions, optionError } from '../util/option-error.js'

/** A request of Node's: HTTP/1, or HTTP/2 as Node serves it to programs that were written for HTTP/1. */
export type NodeRequest = IncomingMessage | Http2ServerRequest

/** The response to a {@link NodeRequest}. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** Options of every bridge. */
export interface BridgeOptions {
  /**
   * Whether `X-Forwarded-Host` says which host was asked, as with Koa's `app.proxy`: behind a proxy of your own that sets it.
   * For `loginOrigins` alone. Default false.
   */
  proxy?: boolean
  /**
   * What nobody else hears of: an outage of the store, data that could not be saved because the answer was out. Default: as
   * Koa does, on the console, but for refusals.
   */
  onError?: (error: Error, request: IncomingMessage) => void
}

/** A request of another framework, as the middleware sees it. */
export interface Visit {
  readonly ctx: Context
  /** Whether Node has a response for it. Otherwise what is written to that of `ctx` goes nowhere. */
  readonly hasResponse: boolean
  /**
   * Finds out whose request it is. `true`: it goes on to the handlers. `false`: `ctx` has the answer, which is a refusal, or
   * that of `loginPath` or `logoutPath`.
   *
   * @throws what is no refusal, such as an error of `onLogin`
   */
  enter(): Promise<boolean>
  /** The handlers have failed: what they have put into `data` is not saved. */
  fail(error: unknown): void
  /**
   * The handlers are done, and have this status: saves what they have changed. `true`: `ctx` has a refusal, to answer with in
   * the place of what they have made.
   *
   * @throws what is no refusal, such as data that is no JSON
   */
  finish(status: number): Promise<boolean>
  /** Whether the request has no user. Then `ctx` has the answer. */
  refuseGuest(): Promise<boolean>
}

/** Without a response, the request is the handshake of a socket, and the framework says status and headers alone. */
export type Visits = (request: NodeRequest, response: NodeResponse | undefined, body?: unknown) => Visit

/** What a request is found by: its object of Node, which each framework has somewhere. */
const visits = new WeakMap<object, Visit>()

const guard: Middleware = requireWxUser()

/** Makes Koa's context for requests that Koa does not serve, so that nothing of the middleware has to be there twice. */
export function createVisits(owner: string, session: WeappSession, options: BridgeOptions = {}): Visits {
  if (typeof session !== 'function') throw optionError(`${owner} needs what weappSession() returns`)
  checkOptions(owner, options, ['proxy', 'onError'])
  const { proxy = false, onError } = options
  checkBoolean(`proxy of ${owner}`, proxy)
  const koa = new Koa({ proxy })
  koa.on('error', onError ? (error: Error, { req }: Context) => onError(error, req) : koa.onerror)

  return (request, response, body) => {
    // Koa's types know HTTP/1 alone; the objects of HTTP/2 do what those of HTTP/1 do.
    const node = request as IncomingMessage
    const ctx = koa.createContext(node, (response as ServerResponse | undefined) ?? new ServerResponse(node))
    if (!response || isWebSocket(request)) markHandshake(ctx)
    // Read by a parser of the framework: there is nothing more to read.
    if (body !== undefined) Object.assign(ctx.request, { body })
    const visit = createVisit(session, ctx, response !== undefined)
    visits.set(request, visit)
    return visit
  }
}

/** The visit that a request of a framework is; none, where no bridge has seen it. */
export function findVisit(request: object): Visit | undefined {
  // An application may have a `raw` or an `env` of its own on Node's request.
  return visits.get(request) ?? visits.get(nodeRequestOf(request))
}

/** Fastify's request has Node's in `raw`, Hono's context in `env`. Those of Express are Node's. */
function nodeRequestOf(request: { raw?: unknown; env?: unknown }): object {
  const { raw, env } = request
  if (typeof raw === 'object' && raw !== null) return raw
  const { incoming } = bindingsOf(env)
  return typeof incoming === 'object' && incoming !== null ? incoming : request
}

/** Node's request and response in the `env` of Hono: there, or in its `server`, where an application has bindings of its own. */
export function bindingsOf(env: unknown): { incoming?: unknown; outgoing?: unknown } {
  const { server } = (env ?? {}) as { server?: unknown }
  return (server ?? env ?? {}) as { incoming?: unknown; outgoing?: unknown }
}

/** Whether a client opens a WebSocket (RFC 6455, 4.1). It reads no headers of the answer. */
function isWebSocket({ method, headers }: NodeRequest): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

function createVisit(session: WeappSession, ctx: Context, hasResponse: boolean): Visit {
  let run: Promise<void> | undefined
  let failure: { error: unknown } | undefined
  let leave = () => {}

  function enter(): Promise<boolean> {
    const handled = new Promise<void>((resolve) => {
      leave = resolve
    })
    return new Promise((resolve, reject) => {
      const running = session(ctx, async () => {
        resolve(true)
        await handled
        if (failure) throw failure.error
      })
      running.then(() => resolve(false), reject)
      run = running
    })
  }

  async function finish(status: number): Promise<boolean> {
    const saved = run
    // Once: the answer of an error handler may come by here again.
    run = undefined
    if (!saved) return false
    // Not each framework says that a handler has thrown, but each answers so.
    if (status >= 500) failure ??= { error: new Error(`the handlers have answered ${status}`) }
    const { body } = ctx
    leave()
    try {
      await saved
    } catch (error) {
      if (error === failure?.error) return false
      throw error
    }
    return ctx.body !== body
  }

  async function refuseGuest(): Promise<boolean> {
    let isRefused = true
    await guard(ctx, async () => {
      isRefused = false
    })
    return isRefused
  }

  return {
    ctx,
    hasResponse,
    enter,
    finish,
    refuseGuest,
    fail(error) {
      failure ??= { error }
    },
  }
}

/** The answer that `ctx` has, as text: JSON, or nothing. */
export function textOf({ body }: Context): string | undefined {
  return body === undefined || body === null ? undefined : JSON.stringify(body)
}
