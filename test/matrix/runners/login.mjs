import { createServer } from 'node:http'
import Koa from 'koa'
import { headerCarrier, weappSession } from 'koa-weapp-session'
import { createWechat } from 'weapp-simulator'

/** Logs in at a server of its own: what the server has answered, and whose openId it should be. */
export async function logIn() {
  const wechat = createWechat()
  const { appId, appSecret } = wechat
  const session = weappSession({
    appId,
    appSecret,
    // Over HTTP, as to WeChat itself.
    wechat: { baseUrl: await wechat.listen() },
    carrier: headerCarrier({ keys: ['a key of the tests, which is long enough'] }),
  })
  const app = new Koa()
  app.use(session)
  app.use((ctx) => {
    ctx.body = { openId: ctx.$wxUserInfo?.openId }
  })
  const server = createServer(app.callback())
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address()
  const phone = wechat.phone('alice')
  const code = await new Promise((resolve) => phone.wx.login({ success: (got) => resolve(got.code) }))
  const headers = { 'Weapp-Code': code, 'Weapp-Login': 'code', Connection: 'close' }

  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers })
  const { openId } = await answer.json()

  server.close()
  await session.close()
  await wechat.close()
  return { login: answer.headers.get('Weapp-Login'), openId, expected: phone.user.openId }
}
