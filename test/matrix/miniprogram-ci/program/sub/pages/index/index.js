const { createSession } = require('weapp-session-client')

// A profile would be signed with the key of the latest login, which may be that of the other package.
const session = createSession({ baseUrl: 'https://api.example.com', profile: 'none' })

Page({
  session,

  async onLoad() {
    const { data } = await session.request({ url: '/me' })
    this.setData({ openId: data.openId })
  },
})
