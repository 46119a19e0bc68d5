import type { WeappSession } from '../middleware.js'
import { type SavedAnswer, sendOwn, sendWhenSaved } from './send-when-saved.js'
import {
  type BridgeOptions,
  createVisits,
  findVisit,
  type NodeRequest,
  type NodeResponse,
  type Visit,
} from './visit.js'

/** What goes on to the next handler; with an error, to the error handler. */
export type NextFunction = (error?: unknown) => void

/** The middleware of Express, NestJS on Express, Connect, and plain `http`. See {@link nodeBridge}. */
export interface NodeBridge {
  (request: NodeRequest, response: NodeResponse, next: NextFunction): void
  /** Refuses requests without a user: ERR_LOGIN_REQUIRED, as `requireWxUser()` does in Koa. */
  requireUser(request: NodeRequest, response: NodeResponse, next: NextFunction): void
  /**
   * Goes after the routes, and passes on what they throw: nothing is saved that the handler which has thrown has put into
   * `data`, and a refusal of ours is named in `Weapp-Session-Error`. Without it that is so for answers of 500 and more alone.
   */
  onError(error: unknown, request: NodeRequest, response: NodeResponse, next: NextFunction): void
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
  const answers = new WeakMap<Visit, SavedAnswer>()

  function bridge(
    request: NodeRequest & { body?: unknown },
    response: NodeResponse,
    next: NextFunction,
  ): void {
    const visit = visitOf(request, response, request.body)
    visit.enter().then((isPassed) => {
      if (!isPassed) return sendOwn(visit)
      answers.set(visit, sendWhenSaved(visit, next))
      next()
    }, next)
  }

  function requireUser(request: NodeRequest, _response: NodeResponse, next: NextFunction): void {
    const visit = findVisit(request)
    if (!visit) {
      next(new TypeError('koa-weapp-session: requireUser needs the bridge before it'))
      return
    }
    visit.refuseGuest().then((isRefused) => {
      if (isRefused) sendOwn(visit)
      else next()
    }, next)
  }

  function onError(error: unknown, request: NodeRequest, _response: NodeResponse, next: NextFunction): void {
    const visit = findVisit(request)
    visit?.fail(error)
    const answer = visit && answers.get(visit)
    // Error handlers look whether the headers are sent: half an answer is none.
    if (answer?.held.isHalf()) answer.isOut.then(() => next(error))
    else next(error)
  }

  return Object.assign(bridge, { requireUser, onError })
}
