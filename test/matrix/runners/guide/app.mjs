// app.mjs
import Koa from 'koa'
import { requireWxUser, weappSession } from 'koa-weapp-session'

/** The app, at whatever WeChat and store it is given. */
export function createApp(options) {
  const session = weappSession(options)
  const app = new Koa()
  app.use(session)
  app.use(requireWxUser())
  app.use((ctx) => {
    const { data } = ctx.$wxSession
    if (ctx.method === 'POST') data.visits = (data.visits ?? 0) + 1
    ctx.body = { openId: ctx.$wxUserInfo.openId, visits: data.visits ?? 0 }
  })
  return { app, session }
}
