/** `npm run example:metrics`: what happens, for Prometheus. */
import Koa from 'koa'
import { weappSession } from 'koa-weapp-session'
import { Registry } from 'prom-client'
import { createWechat } from 'weapp-simulator'
import { tryIt } from '../try-it.js'
import { countSessions } from './metrics.js'

const registry = new Registry()
countSessions(registry)

const wechat = createWechat()
const { appId, appSecret, fetch } = wechat

const app = new Koa()
app.use(async (ctx, next) => {
  if (ctx.path !== '/metrics') return next()
  // For your network alone: at another port, or not passed on by nginx.
  ctx.type = registry.contentType
  ctx.body = await registry.metrics()
})
app.use(weappSession({ appId, appSecret, wechat: { fetch } }))
app.use((ctx) => {
  ctx.body = { user: ctx.$wxUserInfo }
})

await tryIt(app, [
  { what: 'alice logs in', call: 'GET /me', phone: wechat.phone('alice') },
  {
    what: 'somebody makes a code up',
    call: 'GET /me',
    headers: { 'Weapp-Code': 'made-up', 'Weapp-Login': 'code' },
  },
  { what: 'what came of it', call: 'GET /metrics' },
])
