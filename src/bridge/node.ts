import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WeappSession } from '../middleware.js'
import { holdAnswer } from './held-answer.js'
import { type BridgeOptions, createVisits, findVisit, textOf, type Visit } from './visit.js'

/** What goes on to the next handler; with an error, to the error handler. */
export type NextFunction = (error?: unknown) => void

/** The middleware of Express, NestJS on Express, Connect, and plain `http`. See {@link nodeBridge}. */
export interface NodeBridge {
  (request: IncomingMessage, response: ServerResponse, next: NextFunction): void
  /** Refuses requests without a user: ERR_LOGIN_REQUIRED, as `requireWxUser()` does in Koa. */
  requireUser(request: IncomingMessage, response: ServerResponse, next: NextFunction): void
  /**
   * Goes after the routes, and passes on what they throw: nothing is saved that the handler which has thrown has put into
   * `data`, and a refusal of ours is named in `Weapp-Session-Error`. Without it that is so for answers of 500 and more alone.
   */
  onError(error: unknown, request: IncomingMessage, response: ServerResponse, next: NextFunction): void
}

/**
 * The sessions of `weappSession()` for what calls its middleware with `(req, res, next)`: Express 4 and 5, NestJS on Express,
 * Connect, plain `http`. Handlers get at them by `wxUser(req)` and `wxSession(req)`.
 *
 * An answer is held from its first byte until the session's data is saved, so that a conflict is a 409, as it is in Koa.
 *
 * @throws {TypeError} for options that make no sense
 *
 * @example
 * const weapp = nodeBridge(session)
 * expressApp.use(weapp)
 * expressApp.get('/me', weapp.requireUser, (req, res) => res.json({ user: wxUser(req) }))
 * expressApp.use(weapp.onError)
 */
export function nodeBridge(session: WeappSession, options?: BridgeOptions): NodeBridge {
  const visitOf = createVisits('nodeBridge()', session, options)

  function bridge(
    request: IncomingMessage & { body?: unknown },
    response: ServerResponse,
    next: NextFunction,
  ): void {
    const visit = visitOf(request, response, request.body)
    visit.enter().then((isPassed) => {
      if (!isPassed) {
        write(visit, (text) => response.end(text))
        return
      }
      sendAnswer(visit, response, next)
      next()
    }, next)
  }

  function requireUser(request: IncomingMessage, response: ServerResponse, next: NextFunction): void {
    const visit = findVisit(request)
    if (!visit) {
      next(new TypeError('koa-weapp-session: requireUser needs the bridge before it'))
      return
    }
    visit.refuseGuest().then((isRefused) => {
      if (isRefused) write(visit, (text) => response.end(text))
      else next()
    }, next)
  }

  function onError(
    error: unknown,
    request: IncomingMessage,
    _response: ServerResponse,
    next: NextFunction,
  ): void {
    findVisit(request)?.fail(error)
    next(error)
  }

  return Object.assign(bridge, { requireUser, onError })
}

/** Sends what the handlers answer, once what they have changed is saved. */
async function sendAnswer(visit: Visit, response: ServerResponse, next: NextFunction): Promise<void> {
  const held = holdAnswer(response)
  const status = await held.begun
  try {
    if (await visit.finish(status)) held.replace((end) => write(visit, end))
    else held.release()
  } catch (error) {
    // Not what the handlers have answered: the framework's error handler makes an answer.
    if (!response.headersSent) for (const name of response.getHeaderNames()) response.removeHeader(name)
    held.forget()
    next(error)
  }
}

/** The answer that the context has: Koa has put its status and headers in already. */
function write({ ctx }: Visit, end: (text?: string) => void): void {
  const text = textOf(ctx)
  if (text !== undefined) ctx.set('Content-Length', String(Buffer.byteLength(text)))
  end(ctx.method === 'HEAD' ? undefined : text)
}
