import type { Context } from 'koa'
import { WeappSessionError } from './errors.js'
import { isPreflight, refuse } from './respond.js'
import type { RequestContext, WithUser } from './session/session.js'

/**
 * A context before anybody knows whether it has a user, but for that of a route: the types of koa-router would take this
 * one, and never look at the other, which says that there is a user.
 */
type AnyContext = RequestContext & { _matchedRoute?: undefined }

/** What {@link requireWxUser} returns: a middleware of Koa. What comes after it has a user, by its types too. */
export interface UserMiddleware {
  /** As Midway and Egg want it, and for calls by hand. */
  (ctx: AnyContext, next: () => Promise<unknown>): Promise<void>
  /** As Koa and its routers want it: of several, the last one tells TypeScript what the context has from here on. */
  (ctx: WithUser, next: () => Promise<unknown>): Promise<void>
}

/**
 * Refuses requests without a user: ERR_LOGIN_REQUIRED. Goes after `weappSession()`. A preflight, which carries no
 * credentials, is answered with 204.
 *
 * After it, `ctx.$wxUserInfo` and `ctx.$wxSession` are not `null`, for TypeScript too: in the handlers of the same route, and
 * in what is chained to `app.use(requireWxUser())`.
 *
 * @example
 * router.get('/orders', requireWxUser(), listOrders)
 */
export function requireWxUser(): UserMiddleware {
  return async function requireWxUser(received: object, next: () => Promise<unknown>): Promise<void> {
    const ctx = received as Context
    if (ctx.$wxUserInfo === undefined) {
      throw new TypeError('koa-weapp-session: requireWxUser() needs weappSession() before it')
    }
    if (ctx.$wxUserInfo === null && isPreflight(ctx)) {
      ctx.status = 204
      return
    }
    if (ctx.$wxUserInfo === null) return refuse(ctx, new WeappSessionError('ERR_LOGIN_REQUIRED'))
    await next()
  }
}
