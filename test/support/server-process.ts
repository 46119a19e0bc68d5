/**
 * A server in a process of its own, for tests of what holds between processes: says its URL, then serves.
 * Patient with WeChat and Redis, because the machine is busy with other tests.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { redisStore, weappSession } from '../../src/index.js'
import { traceResponses } from './trace.js'

const { APP_ID, APP_SECRET, WECHAT_URL = '', REDIS = '', PREFIX = '' } = process.env

const app = new Koa()
app.use(
  weappSession({
    appId: APP_ID,
    appSecret: APP_SECRET,
    store: redisStore({ url: REDIS, prefix: PREFIX, timeout: 5000 }),
    wechat: { baseUrl: WECHAT_URL, timeout: 10_000 },
  }),
)
app.use((ctx) => {
  ctx.body = { user: ctx.$wxUserInfo, pid: process.pid }
})

const server = createServer(app.callback())
traceResponses(server)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
