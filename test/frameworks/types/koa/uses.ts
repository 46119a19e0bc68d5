/** Facts about our types in Koa and its routers, with the typings that people have: compiled, never run. */
import Router from '@koa/router'
import Koa, { type Context, type DefaultState, type Middleware } from 'koa'
import LegacyRouter from 'koa-router'
import {
  memoryStore,
  requireWxUser,
  type UserContext,
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
  ignore: (ctx) => ctx.path === '/health',
  onLogin(session, ctx) {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
    isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
    isTrue<Equal<typeof ctx.request.href, string>>()
    session.data.cart = [ctx.$wxUserInfo.openId, ctx.ip]
  },
})

// It is a middleware, in whatever form one is wanted.
export const asMiddleware: Middleware = session
export const asList: Middleware[] = [session]

// Who the user is, and whether there is one.
const app = new Koa()
app.use(session)
app.use((ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession | null>>()
  isTrue<Equal<typeof ctx.req.httpVersion, string>>()
})
export function byItself(ctx: Context): string | undefined {
  isTrue<Equal<typeof ctx.$wxSession, WxSession | null>>()
  return ctx.$wxUserInfo?.openId
}
app.use(byItself)

// What is chained to requireWxUser() has one.
app.use(requireWxUser()).use(async (ctx, next) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
  ctx.body = ctx.$wxSession.data.cart
  await next()
})

// A state and a context of one's own stay as they are.
const typed = new Koa<{ tenant: string }, { db: { find(id: string): unknown } }>()
typed
  .use(session)
  .use(requireWxUser())
  .use((ctx) => {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
    isTrue<Equal<typeof ctx.state.tenant, string>>()
    ctx.db.find(ctx.state.tenant)
  })

// In a route.
const router = new Router()
router.use(session)
router.get('/orders/:id', requireWxUser(), async (ctx, next) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
  const id: string | undefined = ctx.params.id
  ctx.body = { id, openId: ctx.$wxUserInfo.openId, cart: ctx.$wxSession.data.cart }
  await next()
})
router.post('/orders', session, requireWxUser(), (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  ctx.status = 201
})
declare const readBody: Middleware
router.put('/orders', requireWxUser(), readBody, (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
})
router.patch('/orders', readBody, requireWxUser(), (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
})
router.get('/', (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
})

// Handlers that are declared by themselves.
async function showOrders(ctx: UserContext): Promise<void> {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  ctx.body = ctx.$wxSession.data.cart
}
router.get('/mine', requireWxUser(), showOrders)
router.get('/open', requireWxUser(), byItself)
app.use(requireWxUser()).use(showOrders)
app.use(router.routes()).use(router.allowedMethods())

// Called by hand.
const needsUser = requireWxUser()
app.use((ctx, next) => (ctx.path.startsWith('/members/') ? needsUser(ctx, next) : next()))
typed.use((ctx, next) => (ctx.state.tenant ? needsUser(ctx, next) : next()))
router.all('/members', (ctx: Context, next) => needsUser(ctx, next))

// A router whose routes all have one.
const members = new Router<DefaultState, WithUser>()
members.use(requireWxUser())
members.get('/orders', (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
})
app.use(members.routes())

// koa-router, whose types are another package.
const legacy = new LegacyRouter()
legacy.use(session)
legacy.get('/orders', requireWxUser(), (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
  const id: string | undefined = ctx.params.id
  ctx.body = id
})
legacy.get('/', (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
})
legacy.get('/mine', requireWxUser(), showOrders)
app.use(legacy.routes())
