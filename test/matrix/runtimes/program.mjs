/** A server, its WeChat and its client: what one login and three requests come to, as JSON. */
import { createServer } from 'node:http'
import Koa from 'koa'
import { headerCarrier, memoryStore, redisStore, weappSession } from 'koa-weapp-session'
import { nodeBridge, wxSession } from 'koa-weapp-session/bridge'
import { jwtCarrier } from 'koa-weapp-session/jwt'
import { createWechat } from 'weapp-simulator'

const keys = ['a key of the tests, which is long enough']
const wechat = createWechat()
const { appId, appSecret } = wechat
const baseUrl = await wechat.listen()

const results = {}
for (const [name, make] of Object.entries({
  memory: () => ({ store: memoryStore(), carrier: headerCarrier({ keys }) }),
  redis: () => ({ store: redisStore({ url: process.env.REDIS_URL }), carrier: headerCarrier({ keys }) }),
  jwt: () => ({ store: memoryStore(), carrier: jwtCarrier({ keys }) }),
})) {
  results[name] = await koa(make())
  results[`${name}, bridge`] = await bridge(make())
}
console.log(JSON.stringify(results))
process.exit(0)

async function koa(options) {
  const session = weappSession({ appId, appSecret, wechat: { baseUrl }, ...options })
  const app = new Koa()
  app.use(session)
  app.use(async (ctx) => {
    ctx.body = { count: await count(ctx.$wxSession) }
  })
  return visit(createServer(app.callback()), session)
}

async function bridge(options) {
  const session = weappSession({ appId, appSecret, wechat: { baseUrl }, ...options })
  const weapp = nodeBridge(session)
  const server = createServer((req, res) => {
    weapp(req, res, async () => {
      const body = { count: await count(wxSession(req)) }
      res.setHeader('Content-Type', 'application/json')
      res.end(JSON.stringify(body))
    })
  })
  return visit(server, session)
}

async function count(session) {
  await session.load()
  session.data.count = (session.data.count ?? 0) + 1
  return session.data.count
}

async function visit(server, session) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  const phone = wechat.phone('alice')
  const code = await new Promise((success, fail) =>
    phone.wx.login({ success: (got) => success(got.code), fail }),
  )
  const login = await fetch(url, { headers: { 'Weapp-Code': code, 'Weapp-Login': 'code' } })
  if (login.headers.get('Weapp-Login') !== 'accepted')
    return { status: login.status, text: await login.text() }
  const token = login.headers.get('Weapp-Token')
  const credential = token
    ? { Authorization: `Bearer ${token}` }
    : { 'Weapp-Session': login.headers.get('Weapp-Session') }
  await fetch(url, { headers: credential })
  const { count } = await (await fetch(url, { headers: credential })).json()
  const again = await fetch(url, { headers: { 'Weapp-Code': code, 'Weapp-Login': 'code' } })
  server.closeAllConnections?.()
  server.close()
  void session.close()
  return { count, again: again.status }
}
