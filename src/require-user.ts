import type { Middleware } from 'koa'
import { WeappSessionError } from './errors.js'
import { isPreflight, refuse } from './respond.js'

/**
 * Refuses requests without a user: ERR_LOGIN_REQUIRED. Goes after `weappSession()`. A preflight, which carries no
 * credentials, is answered with 204.
 *
 * @example
 * router.get('/orders', requireWxUser(), listOrders)
 */
export function requireWxUser(): Middleware {
  return async function requireWxUser(ctx, next) {
    if (ctx.$wxUserInfo === undefined) {
      throw new TypeError('koa-weapp-session: requireWxUser() needs weappSession() before it')
    }
    if (ctx.$wxUserInfo === null && isPreflight(ctx)) {
      ctx.status = 204
      return
    }
    if (ctx.$wxUserInfo === null) return refuse(ctx, new WeappSessionError('ERR_LOGIN_REQUIRED'))
    return next()
  }
}
