/** Facts about our types in Egg 4, with its own: compiled, never run. */
import { type Application, type Context, Controller, type MiddlewareFunc } from 'egg'
import {
  memoryStore,
  requireWxUser,
  type WithUser,
  type WxSession,
  type WxUserInfo,
  weappSession,
} from 'koa-weapp-session'
import { type Equal, isTrue } from './equal.js'

declare module 'koa-weapp-session' {
  interface SessionData {
    cart?: string[]
  }
}

const session = weappSession({
  appId: 'wx',
  appSecret: 's',
  store: memoryStore(),
  onLogin(session, ctx) {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
    session.data.cart = []
  },
})

/** app/middleware/weapp_session.ts */
export default (_options: unknown, app: Application): MiddlewareFunc => {
  app.lifecycle.registerBeforeClose(() => session.close())
  return session
}

/** app.ts */
export function boot(app: Application): void {
  app.use(session)
  app.use(requireWxUser())
}

/** app/router.ts */
export function routes({ router }: Application): void {
  router.use('/api', session)
  router.get('/members', requireWxUser(), async (ctx: Context & WithUser) => {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
    ctx.body = ctx.$wxSession.data.cart
  })
}

/** app/controller/home.ts */
export class HomeController extends Controller {
  async me(): Promise<void> {
    const { ctx } = this
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
    isTrue<Equal<typeof ctx.$wxSession, WxSession | null>>()
    ctx.body = ctx.$wxUserInfo?.openId
  }
}
