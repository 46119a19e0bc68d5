/** Facts about our types in Egg 3, with its own: compiled, never run. */
import type { Application, Context } from 'egg'
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
export const middleware = (_options: unknown, app: Application) => {
  app.beforeClose(() => session.close())
  return session
}

/** app.ts */
export function agent(app: Application): void {
  app.use(session)
  app.use(requireWxUser())
}

/** app/router.ts */
export function routes({ controller, router }: Application): void {
  router.use('/api', session)
  router.get('/members', requireWxUser(), controller.home.me)
  router.get('/orders', requireWxUser(), async (ctx) => {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
    isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
    ctx.body = ctx.$wxSession.data.cart
  })
  router.get('/', (ctx) => {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
  })
}

/** app/controller/home.ts: no typings of one's own are needed. */
export async function me(ctx: Context): Promise<void> {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession | null>>()
  ctx.body = ctx.$wxUserInfo?.openId
}

export async function orders(ctx: Context & WithUser): Promise<void> {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  ctx.logger.info('%d in the cart', ctx.$wxSession.data.cart?.length)
}
