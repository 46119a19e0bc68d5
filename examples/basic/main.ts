/** `npm run example:basic`: who is calling? */
import Koa from 'koa'
import { weappSession } from 'koa-weapp-session'
import { createWechat } from 'weapp-simulator'
import { tryIt } from '../try-it.js'

const wechat = createWechat()
const { appId, appSecret, fetch } = wechat

const app = new Koa()
app.use(weappSession({ appId, appSecret, wechat: { fetch } }))
app.use((ctx) => {
  ctx.body = { user: ctx.$wxUserInfo }
})

await tryIt(app, [
  { what: 'nobody', call: 'GET /' },
  { what: 'alice: once more, and it is the same session', call: 'GET /', phone: wechat.phone('alice') },
])
