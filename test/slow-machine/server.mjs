// A server as somebody would deploy it: built, with the defaults of every deadline. It says its URL as soon as it listens.
import { once } from 'node:events'
import { createServer } from 'node:http'
import Koa from 'koa'
import { redisStore, weappSession } from '../../dist/index.js'

const { WEAPP_ID, WEAPP_SECRET, WECHAT_URL, REDIS_URL, PREFIX } = process.env

const session = weappSession({
  appId: WEAPP_ID,
  appSecret: WEAPP_SECRET,
  wechat: { baseUrl: WECHAT_URL },
  store: redisStore({ url: REDIS_URL, prefix: PREFIX }),
})
const app = new Koa()
app.silent = true
app.use(async (ctx, next) => {
  if (ctx.path === '/compute') compute(Number(ctx.query.ms))
  else if (ctx.path === '/garbage') collect(Number(ctx.query.times))
  else return next()
  ctx.body = {}
})
app.use(session)
app.use((ctx) => {
  const { $wxSession, $wxUserInfo } = ctx
  if (ctx.path === '/write') $wxSession.data.visits = (Number($wxSession.data.visits) || 0) + 1
  ctx.body = { user: $wxUserInfo }
})

const server = createServer(app.callback())
// A process that is stopped for longer would close connections on which requests wait for it.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', 4096)
await once(server, 'listening')
console.log(`http://127.0.0.1:${server.address().port}`)

function compute(ms) {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Fills memory with objects that live for as long as a collection looks at them. */
function collect(times) {
  for (let n = 0; n < times; n++) {
    const objects = Array.from({ length: 500_000 }, (_, i) => ({ i, text: `${i}` }))
    globalThis.gc()
    objects.length = 0
  }
}
