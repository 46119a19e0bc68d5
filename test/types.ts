/** Facts about the public types: compiled by `npm run types`, never run. */
import Router from '@koa/router'
import { Cluster, Redis } from 'ioredis'
import * as iovalkey from 'iovalkey'
import Koa from 'koa'
import LegacyRouter from 'koa-router'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import * as redis5 from 'redis-5'
import {
  type IoredisClient,
  memoryStore,
  type Reason,
  type RedisClient,
  redisStore,
  requireWxUser,
  type SessionStore,
  type WeappSessionError,
  type WeappSessionOptions,
  type WxSession,
  type WxUserInfo,
  weappSession,
} from '../src/index.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<_T extends true>(): void {}

// Environment variables may be missing: that is found out at start-up, by name.
const session = weappSession({ appId: process.env.WEAPP_ID, appSecret: process.env.WEAPP_SECRET })

// Plain Koa.
const app = new Koa()
app.use(session)
app.use((ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession | null>>()
  // @ts-expect-error a user may be missing
  ctx.$wxUserInfo.openId
  // @ts-expect-error there is no such field
  ctx.$wxUserInfo?.isAdmin
  // @ts-expect-error identity is WeChat's answer, and is not written by handlers
  if (ctx.$wxUserInfo) ctx.$wxUserInfo.openId = 'o-other'
  // @ts-expect-error the session_key stays on the server
  ctx.$wxSession?.key
})

// Koa with state and context of one's own.
const typed = new Koa<{ tenant: string }, { db: { find(id: string): unknown } }>()
typed.use(session)
typed.use((ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
  ctx.db.find(ctx.state.tenant)
})

// @koa/router, and koa-router with its separate types.
const router = new Router()
router.use(session)
router.get('/orders/:id', requireWxUser(), async (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
  isTrue<Equal<typeof ctx.$wxSession, WxSession>>()
  const openId: string = ctx.$wxUserInfo.openId
  const unionId: string | undefined = ctx.$wxUserInfo.unionId
  const nickName: string | undefined = ctx.$wxUserInfo.nickName
  ctx.body = { openId, unionId, nickName, id: ctx.params.id }
  // Undeclared, data has any name.
  ctx.$wxSession.data.orders = [ctx.params.id]
  await ctx.$wxSession.destroy()
})
app.use(router.routes())

const legacyRouter = new LegacyRouter()
legacyRouter.get('/', requireWxUser(), (ctx) => {
  isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
})

// What these packages make is what redisStore takes, connected or not.
const clients: (RedisClient | IoredisClient)[] = [
  createClient(),
  createClient({ RESP: 3 }),
  createClient({ RESP: 2 }),
  createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:7000' }] }),
  createClientPool(),
  createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host: '127.0.0.1', port: 26379 }] }),
  redis5.createClient(),
  redis5.createClientPool(),
  redis5.createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:7000' }] }),
  redis5.createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host: '127.0.0.1', port: 26379 }] }),
  new Redis('redis://127.0.0.1:6379'),
  new Redis({ name: 'mymaster', sentinels: [{ host: '127.0.0.1', port: 26379 }] }),
  new Cluster([{ host: '127.0.0.1', port: 7000 }]),
  new iovalkey.Redis('redis://127.0.0.1:6379'),
  new iovalkey.Cluster([{ host: '127.0.0.1', port: 7000 }]),
]
const stores: SessionStore[] = [
  memoryStore(),
  redisStore({ url: 'redis://127.0.0.1' }),
  redisStore({ client: createClient(), prefix: 'mine:', timeout: 100 }),
  ...clients.map((client) => redisStore({ client })),
]

const options: WeappSessionOptions = {
  appId: 'wx',
  appSecret: 's',
  store: stores[0] as SessionStore,
  ignore: (ctx) => ctx.path === '/health',
  onLogin: async (session, ctx) => {
    session.data.openId = ctx.$wxUserInfo.openId
  },
}
// @ts-expect-error an option misspelt
const misspelt: WeappSessionOptions = { appId: 'wx', appSecret: 's', legacystatus: true }

// Refusals are told apart by their reason.
function isTemporary({ reason }: WeappSessionError): boolean {
  // @ts-expect-error there is no such reason
  if (reason === 'ERR_SESSION_EXPIERD') return false
  const temporary: Reason[] = ['ERR_STORE_UNAVAILABLE', 'ERR_SESSION_CONFLICT']
  return temporary.includes(reason)
}

export { isTemporary, misspelt, options }
