/** Mistakes that the compiler has to find: each line under a comment that says so is one. */
import type { Application, Context } from 'egg'
import { requireWxUser, type WithUser, weappSession } from 'koa-weapp-session'

export function refused(app: Application, ctx: Context, member: Context & WithUser): void {
  // @ts-expect-error a user may be missing
  ctx.$wxUserInfo.openId
  // @ts-expect-error there is no such field
  ctx.$wxUserInfo?.isAdmin
  // @ts-expect-error no such name is declared
  member.$wxSession.data.basket = []
  // @ts-expect-error an option misspelt
  app.use(weappSession({ appId: 'wx', appSecret: 's', legacystatus: true }))
  // @ts-expect-error requireWxUser() has no options
  app.use(requireWxUser({ optional: true }))
}
