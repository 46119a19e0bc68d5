import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Router from '@koa/router'
import Koa from 'koa'
import { requireWxUser, type WeappSession } from 'koa-weapp-session'

/** The server of the tour: who am I, members only, log out. */
export function createApp(session: WeappSession): Koa {
  const app = new Koa()
  app.use(session)

  const router = new Router()
  router.get('/me', (ctx) => {
    const data = ctx.$wxSession?.data
    if (data) data.visits = Number(data.visits ?? 0) + 1
    ctx.body = { user: ctx.$wxUserInfo, visits: data?.visits }
  })
  router.get('/members', requireWxUser(), (ctx) => {
    ctx.body = { welcome: ctx.$wxUserInfo?.nickName ?? ctx.$wxUserInfo?.openId }
  })
  router.post('/logout', requireWxUser(), async (ctx) => {
    await ctx.$wxSession?.destroy()
    ctx.body = { loggedOut: true }
  })
  app.use(router.routes())
  return app
}

/** Serves an app on 127.0.0.1: on the port that was asked for, or on any other when that one is taken. */
export async function serve(app: Koa, port: number): Promise<{ url: string; server: Server }> {
  const server = createServer(app.callback())
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port === 0) throw error
    return serve(app, 0)
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}
