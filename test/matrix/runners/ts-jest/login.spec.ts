import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { headerCarrier, type WeappSession, weappSession } from 'koa-weapp-session'
import { createWechat } from 'weapp-simulator'

test('a login', async () => {
  const wechat = createWechat()
  const { appId, appSecret } = wechat
  const session: WeappSession = weappSession({
    appId,
    appSecret,
    wechat: { baseUrl: await wechat.listen() },
    carrier: headerCarrier({ keys: ['a key of the tests, which is long enough'] }),
  })
  const app = new Koa()
  app.use(session)
  app.use((ctx) => {
    ctx.body = { openId: ctx.$wxUserInfo?.openId }
  })
  const server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const phone = wechat.phone('alice')
  const code = await new Promise<string>((resolve) => {
    phone.wx.login({ success: (got) => resolve(got.code) })
  })

  const headers = { 'Weapp-Code': code, 'Weapp-Login': 'code', Connection: 'close' }
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers })

  expect(answer.headers.get('Weapp-Login')).toBe('accepted')
  expect(await answer.json()).toEqual({ openId: phone.user.openId })
  server.close()
  await session.close()
  await wechat.close()
})
