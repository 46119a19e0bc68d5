// start.mjs
import { once } from 'node:events'
import { headerCarrier } from 'koa-weapp-session'
import { createSession } from 'weapp-session-client'
import { createWechat } from 'weapp-simulator'
import { createApp } from './app.mjs'

/** The app on a free port, with a WeChat of its own. */
export async function start(options) {
  const wechat = createWechat()
  const { appId, appSecret, fetch } = wechat
  const carrier = headerCarrier({ keys: 'a key of the tests, which is long enough' })
  const { app, session } = createApp({ appId, appSecret, wechat: { fetch }, carrier, ...options })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`

  return {
    url,
    wechat,
    session,
    /** The mini program of a user: its requests log in by themselves. */
    phone(name) {
      const { wx, user } = wechat.phone(name)
      return { openId: user.openId, request: createSession({ baseUrl: url, wx }).request }
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await session.close()
      await wechat.close()
    },
  }
}
