import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import { headerCarrier, weappSession } from 'koa-weapp-session'
import { type Inspector, inspector } from 'koa-weapp-session/inspector'
import { createWechat, type Phone, type Wechat } from 'weapp-simulator'

/** An app of somebody with the inspector, as they are built: the page is there. */
export interface Shop {
  url: string
  wechat: Wechat
  inspect: Inspector
  server: Server
  close(): Promise<void>
}

export async function startShop(t: ExecutionContext, { port = 0 } = {}): Promise<Shop> {
  const wechat = createWechat({ appId: 'wx-shop' })
  const inspect = inspector()
  const session = weappSession({
    ...{ appId: wechat.appId, appSecret: wechat.appSecret, wechat: { fetch: wechat.fetch } },
    carrier: headerCarrier({ keys: 'k'.repeat(32) }),
    loginPath: '/login',
  })
  const app = new Koa()
  app.silent = true
  app.use(inspect)
  app.use(session)
  app.use(async (ctx: Context) => {
    if (ctx.path === '/orders') inspect.note('2 orders from the database', 3)
    if (ctx.path === '/fails') ctx.throw(500)
    if (ctx.$wxSession && ctx.path === '/cart') ctx.$wxSession.data = { cart: ['tea'] } as never
    ctx.body = { user: ctx.$wxUserInfo, orders: [{ id: 1, total: 12.5 }] }
  })
  const server = createServer(app.callback()).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    inspect.close()
    server.closeAllConnections()
    server.close()
    await session.close()
    await wechat.close()
  }
  t.teardown(close)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, wechat, inspect, server, close }
}

/** The headers of a login, as the client makes them. */
export async function login(phone: Phone): Promise<Record<string, string>> {
  const { code } = await new Promise<{ code: string }>((success, fail) => phone.wx.login({ success, fail }))
  const info = await new Promise<{ rawData: string; signature: string }>((success, fail) =>
    phone.wx.getUserInfo({ success, fail }),
  )
  return {
    'Weapp-Code': code,
    'Weapp-RawData': encodeURIComponent(info.rawData),
    'Weapp-Signature': info.signature,
  }
}

/** What people do in a shop, and what others try: eleven requests, the last of them with tampered rawData. */
export async function visit({ url, wechat }: Shop): Promise<void> {
  const [ming, hong] = ['小明', '小红'].map((name) => {
    const phone = wechat.phone(name)
    phone.userInfo = 'named'
    return phone
  }) as [Phone, Phone]
  const send = (path: string, headers: Record<string, string> = {}, body?: string) =>
    fetch(url + path, { headers, ...(body !== undefined && { method: 'POST', body }) })
  const first = await send('/orders?page=1', await login(ming))
  const known = { 'Weapp-Session': first.headers.get('weapp-session') ?? '' }
  await send('/cart', { ...known, 'Content-Type': 'application/json' }, '{"add":"tea"}')
  await send('/orders?page=2', known)
  const second = await send('/', await login(hong))
  await send('/orders', { 'Weapp-Session': second.headers.get('weapp-session') ?? '' })
  await send('/public')
  await send('/fails', known)
  await send('/a/rather/long/path/that/does/not/fit/into/a/line/of/the/list?with=a&query=of&its=own', known)
  await send('/orders', { 'Weapp-Session': `${known['Weapp-Session'].slice(0, -1)}!` })
  await send('/orders', { 'Weapp-Code': 'no code of WeChat', 'Weapp-Login': 'code' })
  const headers = await login(ming)
  const rawData = decodeURIComponent(headers['Weapp-RawData'] ?? '').replace('小明', '管理员')
  await send('/orders?tampered', { ...headers, 'Weapp-RawData': encodeURIComponent(rawData) })
}
