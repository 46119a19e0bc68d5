/** `npm run example:router`: routes for everybody, for users, and for some users. */
import Router from '@koa/router'
import Koa from 'koa'
import { requireWxUser, type UserContext, weappSession } from 'koa-weapp-session'
import { createWechat } from 'weapp-simulator'
import { tryIt } from '../try-it.js'

declare module 'koa-weapp-session' {
  interface SessionData {
    isAdmin?: boolean
    visits?: number
  }
}

const wechat = createWechat()
const { appId, appSecret, fetch } = wechat
const admins = new Set([wechat.user('alice').openId])

const session = weappSession({
  appId,
  appSecret,
  wechat: { fetch },
  onLogin({ data }, { $wxUserInfo }) {
    // Once for each session: here, and not at each request, is the place to ask a database.
    data.isAdmin = admins.has($wxUserInfo.openId)
  },
})

function requireAdmin(ctx: UserContext, next: () => Promise<unknown>) {
  if (!ctx.$wxSession.data.isAdmin) ctx.throw(403, 'This is for administrators.')
  return next()
}

const router = new Router()
router.get('/', (ctx) => {
  ctx.body = { hello: ctx.$wxUserInfo?.openId ?? 'stranger' }
})
router.get('/visits', requireWxUser(), (ctx) => {
  const { data } = ctx.$wxSession
  data.visits = (data.visits ?? 0) + 1
  ctx.body = { visits: data.visits }
})
router.delete('/sessions/:openId', requireWxUser(), requireAdmin, async (ctx) => {
  await session.revoke(ctx.params.openId as string)
  ctx.body = { ended: true }
})
router.post('/logout', requireWxUser(), async (ctx) => {
  await ctx.$wxSession.destroy()
  ctx.body = { loggedOut: true }
})

const app = new Koa()
app.use(session)
app.use(router.routes())

const [alice, bob] = [wechat.phone('alice'), wechat.phone('bob')]
const end = `DELETE /sessions/${bob.user.openId}`
await tryIt(app, [
  { what: 'everybody', call: 'GET /' },
  { what: 'users: nobody is refused', call: 'GET /visits' },
  { what: 'users: bob is counted, again and again', call: 'GET /visits', phone: bob },
  { what: 'administrators: not bob', call: end, phone: bob },
  { what: 'administrators: alice ends the sessions of bob', call: end, phone: alice },
  { what: 'bob logs out', call: 'POST /logout', phone: bob },
])
