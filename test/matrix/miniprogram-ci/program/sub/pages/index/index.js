const { createSession } = require('weapp-session-client/core')
const { createEventReader } = require('weapp-session-client/events')

const session = createSession({ baseUrl: 'https://api.example.com' })

Page({
  session,
  reader: createEventReader(() => {}),

  async onLoad() {
    const { data } = await session.request({ url: '/me' })
    this.setData({ openId: data.openId })
  },
})
