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
import { createCluster, createSentinel } from 'redis'
import { headerCarrier, redisStore, type SessionStore, weappSession } from '../../src/index.js'
import type { ProcessSettings, StoreSettings } from './processes.js'
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

function makeStore({ url, cluster, sentinels, prefix, timeout }: StoreSettings): SessionStore {
  const common = { prefix, timeout }
  if (url) return redisStore({ url, ...common })
  if (cluster) {
    // As the README recommends: what is for a node that is away fails at once.
    const defaults = { disableOfflineQueue: true }
    const client = createCluster({ rootNodes: cluster.map((url) => ({ url })), defaults })
    return redisStore({ client, ...common })
  }
  const sentinelRootNodes = (sentinels ?? []).map((port) => ({ host: '127.0.0.1', port }))
  return redisStore({ client: createSentinel({ name: 'mymaster', sentinelRootNodes }), ...common })
}
