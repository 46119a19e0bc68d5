/**
 * A server in a process of its own, for tests of what holds between processes: says its URL, then serves.
 *
 *   GET  /                 { user, data, isNew, pid }
 *   GET  /write?token=…    puts the token into `data.tokens`, by reading and writing the list
 *   GET  /rotate           gives the session another credential
 *   GET  /logout           ends the session
 *   GET  /revoke?user=…    ends every session of that openId
 *   GET  /memory           { heapUsed } in bytes, after a collection where the process was given --expose-gc
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Koa, { type Context } from 'koa'
import { headerCarrier, redisStore, type SessionStore, weappSession } from '../../src/index.js'
import type { ProcessSettings, StoreSettings } from './processes.js'
import { CLUSTERS, SENTINELS } from './redis-clients.js'
import { traceResponses } from './trace.js'

const { options, wechat, store, keys } = JSON.parse(process.env.SETTINGS ?? '{}') as ProcessSettings

const carrier = keys && headerCarrier({ keys, anonymous: true })
const session = weappSession({ ...options, wechat, store: makeStore(store), ...(carrier && { carrier }) })
const app = new Koa()
app.silent = true
app.use(answerOutside)
app.use(session)
app.use(answerInside)

const server = createServer(app.callback())
// A process that is frozen for longer would close connections on which requests wait for it.
server.keepAliveTimeout = 0
traceResponses(server)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)

async function answerOutside(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  if (ctx.path === '/memory') {
    globalThis.gc?.()
    ctx.body = { heapUsed: process.memoryUsage().heapUsed }
  } else if (ctx.path === '/revoke') {
    await session.revoke(String(ctx.query.user))
    ctx.body = {}
  } else await next()
}

async function answerInside(ctx: Context): Promise<void> {
  const { $wxSession: session, $wxUserInfo: user } = ctx
  if (session && ctx.path === '/write') {
    const { tokens = [] } = session.data as { tokens?: string[] }
    await sleep(Number(ctx.query.ms ?? 0))
    session.data.tokens = [...tokens, String(ctx.query.token)]
  }
  if (session && ctx.path === '/put') {
    const { ms, ...values } = ctx.query
    Object.assign(session.data, values)
    await sleep(Number(ms ?? 0))
  }
  const data = session?.data
  const isNew = session?.isNew
  if (ctx.path === '/rotate') await session?.rotate()
  if (ctx.path === '/logout') await session?.destroy()
  ctx.body = { user, data, isNew, pid: process.pid }
}

function makeStore({ url, library = 'redis 6', ...settings }: StoreSettings): SessionStore {
  const { cluster, sentinels = [], ...common } = settings
  if (url) return redisStore({ url, ...common })
  const client = cluster ? CLUSTERS[library]?.(cluster) : SENTINELS[library]?.(sentinels)
  if (!client) throw new Error(`there are no clients of ${library}`)
  return redisStore({ client, ...common })
}
