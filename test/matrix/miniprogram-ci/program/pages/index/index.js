const { createSession } = require('weapp-session-client')
const { createHttp } = require('weapp-session-client/http')

const session = createSession({ baseUrl: 'https://api.example.com' })

Page({
  session: createHttp(session, { ok: 'throw', retries: 1 }),

  async onLoad() {
    const { data } = await session.request({ url: '/me' })
    this.setData({ openId: data.openId })
  },
})
