import type { Application, Context } from 'egg'
import { requireWxUser, weappSession } from 'koa-weapp-session'
import { options } from '../weapp.mjs'

/** What TypeScript has to see in an app of Egg: that it takes our middleware, and knows what the context has. */
export function check(app: Application, ctx: Context): string | undefined {
  app.use(weappSession(options))
  app.router.get('/members', requireWxUser(), app.controller.home.me)
  // @ts-expect-error no such field
  ctx.$wxUserInfo?.isAdmin
  return ctx.$wxUserInfo?.openId
}
