/** Mistakes that the compiler has to find: each line under a comment that says so is one. */
import type { IncomingMessage } from 'node:http'
import Router from '@koa/router'
import Koa, { type Context } from 'koa'
import LegacyRouter from 'koa-router'
import { memoryStore, requireWxUser, weappSession } from 'koa-weapp-session'

const app = new Koa()
const router = new Router()
const legacy = new LegacyRouter()
const session = weappSession({ appId: 'wx', appSecret: 's', store: memoryStore() })

app.use(session).use((ctx) => {
  // @ts-expect-error a user may be missing
  ctx.$wxUserInfo.openId
  // @ts-expect-error a session may be missing
  ctx.$wxSession.data
  // @ts-expect-error there is no such field
  ctx.$wxUserInfo?.isAdmin
  // @ts-expect-error identity is WeChat's answer, and is not written by handlers
  if (ctx.$wxUserInfo) ctx.$wxUserInfo.openId = 'o-other'
  // @ts-expect-error the session_key stays on the server
  ctx.$wxSession?.key
})

app.use(requireWxUser()).use((ctx) => {
  // @ts-expect-error no such name is declared
  ctx.$wxSession.data.basket = []
  // @ts-expect-error a cart holds texts
  ctx.$wxSession.data.cart = [7]
  // @ts-expect-error it may be empty
  ctx.$wxSession.data.cart.length
  void ctx.$wxSession.update((data) => {
    // @ts-expect-error nor is it declared here
    data.basket = []
  })
})

router.get('/', requireWxUser(), (ctx) => {
  // @ts-expect-error no such name is declared
  ctx.$wxSession.data.basket
  // @ts-expect-error there is no such field
  ctx.$wxUserInfo.isAdmin
})

router.get('/', (ctx) => {
  // @ts-expect-error without requireWxUser(), a user may be missing
  ctx.$wxUserInfo.openId
})

legacy.get('/', requireWxUser(), (ctx) => {
  // @ts-expect-error no such name is declared
  ctx.$wxSession.data.basket
})

legacy.get('/', (ctx) => {
  // @ts-expect-error without requireWxUser(), a user may be missing
  ctx.$wxUserInfo.openId
})

weappSession({
  appId: 'wx',
  appSecret: 's',
  onLogin(session, ctx) {
    // @ts-expect-error no such name is declared
    session.data.basket = []
    // @ts-expect-error there is no such field
    ctx.$wxUserInfo.isAdmin
  },
})

// @ts-expect-error an option misspelt
weappSession({ appId: 'wx', appSecret: 's', legacystatus: true })
// @ts-expect-error a middleware of Express is called with a request, which is no context
void session({} as IncomingMessage, async () => {})
// @ts-expect-error a middleware is given next
void session({} as Context)
// @ts-expect-error requireWxUser() has no options
requireWxUser({ optional: true })
