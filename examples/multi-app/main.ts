/** `npm run example:multi-app`: one server for two mini programs, whose sessions never cross. */
import Koa from 'koa'
import { requireWxUser, weappSession } from 'koa-weapp-session'
import { createWechat } from 'weapp-simulator'
import { tryIt } from '../try-it.js'

// Two mini programs of one Open Platform account: another openId in each, and the same unionId.
const shop = createWechat({ unionIds: true })
const staff = createWechat({ unionIds: true })

const app = new Koa()
app.use(
  weappSession({
    apps: { [shop.appId]: shop.appSecret, [staff.appId]: staff.appSecret },
    // The real WeChat knows both; the simulated ones know one each.
    wechat: { fetch: (url, init) => (String(url).includes(shop.appId) ? shop : staff).fetch(url, init) },
  }),
)
app.use(requireWxUser())
app.use((ctx) => {
  // Of the session, so nobody can say it of themselves. A header is what the client wrote: without it, or with another
  // beside the Referer, a customer would be staff.
  const program = ctx.$wxUserInfo?.appId === staff.appId ? 'staff' : 'shop'
  ctx.body = { program, user: ctx.$wxUserInfo }
})

// The client says which one it is: createSession({ baseUrl, appId: true }). So does the Referer that WeChat sets.
const from = ({ appId }: { appId: string }) => ({ 'Weapp-AppId': appId })
const referer = ({ appId }: { appId: string }) => `https://servicewechat.com/${appId}/1/page-frame.html`
const alice = shop.phone('alice')
await tryIt(app, [
  { what: 'alice in the shop', call: 'GET /', phone: alice, headers: from(shop) },
  { what: 'alice at work: another openId', call: 'GET /', phone: staff.phone('alice'), headers: from(staff) },
  { what: 'a code of the shop is nothing at work', call: 'GET /', phone: alice, headers: from(staff) },
  {
    what: 'a program that is none of ours',
    call: 'GET /',
    phone: alice,
    headers: from({ appId: 'wx-other' }),
  },
  {
    what: 'bob in the shop, who leaves the header out',
    call: 'GET /',
    phone: shop.phone('bob'),
    headers: { Referer: referer(shop) },
  },
])
