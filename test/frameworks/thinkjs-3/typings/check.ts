import { weappSession } from 'koa-weapp-session'
import type { Application, Context } from 'thinkjs'
import { options } from '../src/weapp.mjs'

/** What TypeScript has to see in an app of ThinkJS: that it takes our middleware, and knows what the context has. */
export function check(app: Application, ctx: Context): string | undefined {
  app.use(weappSession(options))
  // @ts-expect-error no such field
  ctx.$wxUserInfo?.isAdmin
  return ctx.$wxUserInfo?.openId
}
