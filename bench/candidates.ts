/**
 * The servers that are compared: each answers GET / with the user of a session. `headersOf` says what a client sends
 * for session n; what is in Redis was put there before (seed.ts).
 */
import { createHmac, createSecretKey } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import Koa, { type Context } from 'koa'
import { codeCarrier, cookieCarrier, headerCarrier, redisStore, weappSession } from 'koa-weapp-session'
import { jwtCarrier } from 'koa-weapp-session/jwt'
import { createClient, createCluster } from 'redis'
import { APP_ID, APP_SECRET, idOf, KEY, SESSION_KEY, skeyOf, type User, userOf } from './sessions.js'

// Peers are CommonJS mostly, without types, and live in bench/peers.
const peer = createRequire(new URL('./peers/package.json', import.meta.url))

export interface Setting {
  redisUrl: string
  wechatUrl: string
  /** How many sessions there are. */
  count: number
  /** Credentials that only a login can make, by carrier. */
  made: Record<string, string[]>
}

export interface Candidate {
  /** What it is, in the table. */
  title: string
  /** Whether it is a limit or somebody else's. */
  kind: 'limit' | 'ours' | 'peer'
  headersOf(n: number, setting: Setting): Record<string, string>
  serve(setting: Setting): Promise<RequestListener>
}

/** Room for all, and an age that lets a run hit what the warm-up has filled. */
const CACHE = { max: 20_000, maxAge: 60 }

export const NO_TIMER = { commandOptions: { timeout: undefined } } as unknown as object

export const CANDIDATES: Record<string, Candidate> = {
  koa: {
    title: 'bare Koa',
    kind: 'limit',
    headersOf: () => ({}),
    async serve() {
      const user = userOf(0)
      return koa((ctx) => {
        ctx.body = { user }
      })
    },
  },
  map: {
    title: 'Koa + Map of parsed sessions',
    kind: 'limit',
    headersOf: (n) => ({ 'X-WX-Session': idOf(n) }),
    async serve({ count }) {
      const sessions = new Map(Array.from({ length: count }, (_, n) => [idOf(n), userOf(n)]))
      return koa((ctx) => {
        ctx.body = { user: sessions.get(ctx.get('X-WX-Session')) }
      })
    },
  },
  getTuned: {
    title: 'Koa + one GET, node-redis tuned',
    kind: 'limit',
    headersOf: (n) => ({ 'X-WX-Session': idOf(n) }),
    serve: (setting) => rawGet(setting, NO_TIMER),
  },
  get: {
    title: 'Koa + one GET, node-redis as it comes',
    kind: 'limit',
    headersOf: (n) => ({ 'X-WX-Session': idOf(n) }),
    serve: (setting) => rawGet(setting, {}),
  },
  code: ours('code', 'this, code carrier', () => codeCarrier()),
  codeCached: ours('code', 'this, code carrier, cache on', () => codeCarrier(), { cache: CACHE }),
  header: ours('header', 'this, header carrier', () => headerCarrier({ keys: [KEY] })),
  headerCached: ours('header', 'this, header carrier, cache on', () => headerCarrier({ keys: [KEY] }), {
    cache: CACHE,
  }),
  cookie: ours('cookie', 'this, cookie carrier', () => cookieCarrier({ keys: [KEY] })),
  jwt: ours('jwt', 'this, jwt carrier', () => jwtCarrier({ keys: [KEY] })),
  koaSession: {
    title: 'koa-session on Redis',
    kind: 'peer',
    headersOf: (n) => ({ 'x-session': idOf(n) }),
    async serve({ redisUrl }) {
      const { createSession } = peer('koa-session') as {
        createSession: (options: object, app: Koa) => Koa.Middleware
      }
      const client = await connect(redisUrl, NO_TIMER)
      const store = {
        get: async (key: string) => JSON.parse((await client.get(`koa:${key}`)) ?? 'null'),
        set: (key: string, value: object, maxAge: number) =>
          client.set(`koa:${key}`, JSON.stringify(value), { expiration: { type: 'PX', value: maxAge } }),
        destroy: (key: string) => client.del(`koa:${key}`),
      }
      const externalKey = { get: (ctx: Context) => ctx.get('x-session'), set() {} }
      const app = new Koa()
      app.keys = [KEY]
      app.use(createSession({ store, externalKey, maxAge: 7200_000 }, app))
      app.use((ctx) => {
        ctx.body = { user: (ctx as unknown as { session: { user: User } }).session.user }
      })
      return app.callback()
    },
  },
  koaJwt: {
    title: 'koa-jwt (HS256, key object)',
    kind: 'peer',
    headersOf(n) {
      const { sign } = peer('jsonwebtoken') as {
        sign: (claims: object, key: string, options: object) => string
      }
      return { Authorization: `Bearer ${sign({ user: userOf(n) }, KEY, { expiresIn: 7200 })}` }
    },
    async serve() {
      const { default: jwt } = (await import(peer.resolve('koa-jwt'))) as {
        default: (options: object) => Koa.Middleware
      }
      const app = new Koa()
      app.use(jwt({ secret: createSecretKey(Buffer.from(KEY)), algorithms: ['HS256'] }))
      app.use((ctx) => {
        ctx.body = { user: (ctx.state as { user: { user: User } }).user.user }
      })
      return app.callback()
    },
  },
  expressSession: {
    title: 'express-session on Redis',
    kind: 'peer',
    headersOf(n) {
      const signature = createHmac('sha256', KEY).update(idOf(n)).digest('base64').replace(/=+$/, '')
      return { Cookie: `connect.sid=${encodeURIComponent(`s:${idOf(n)}.${signature}`)}` }
    },
    async serve({ redisUrl }) {
      const express = peer('express') as () => RequestListener & { use(...handlers: unknown[]): void }
      const session = peer('express-session') as (options: object) => unknown
      const { RedisStore } = (await import(peer.resolve('connect-redis'))) as {
        RedisStore: new (options: object) => object
      }
      const store = new RedisStore({ client: await connect(redisUrl, NO_TIMER), prefix: 'express:' })
      const app = express()
      app.use(session({ store, secret: KEY, resave: false, saveUninitialized: false }))
      app.use((req: { session: { user: User } }, res: { json(body: object): void }) =>
        res.json({ user: req.session.user }),
      )
      return app
    },
  },
  wafer: {
    title: 'wafer-node-session on Redis',
    kind: 'peer',
    headersOf: (n) => ({ 'X-WX-Id': idOf(n), 'X-WX-Skey': skeyOf(SESSION_KEY) }),
    async serve({ redisUrl }) {
      const express = peer('express') as () => RequestListener & { use(...handlers: unknown[]): void }
      const wafer = peer('wafer-node-session') as (options: object) => unknown
      const { RedisStore } = (await import(peer.resolve('connect-redis'))) as {
        RedisStore: new (options: object) => object
      }
      const store = new RedisStore({ client: await connect(redisUrl, NO_TIMER), prefix: 'wafer:' })
      const app = express()
      app.use(wafer({ appId: APP_ID, appSecret: APP_SECRET, loginPath: '/login', store }))
      app.use((req: { session: { userInfo: User } }, res: { json(body: object): void }) =>
        res.json({ user: req.session.userInfo }),
      )
      return app
    },
  },
}

function ours(
  name: string,
  title: string,
  carrier: () => ReturnType<typeof codeCarrier>,
  store: object = {},
): Candidate {
  return {
    title,
    kind: 'ours',
    headersOf: (n, { made }) => JSON.parse(made[name]?.[n] ?? '{}'),
    async serve({ redisUrl }) {
      const session = weappSession({
        appId: APP_ID,
        appSecret: APP_SECRET,
        carrier: carrier(),
        store: redisStore({ ...sourceOf(redisUrl), ...store }),
      })
      const app = new Koa()
      app.use(session)
      app.use((ctx) => {
        ctx.body = { user: ctx.$wxUserInfo }
      })
      return app.callback()
    },
  }
}

/** Several URLs are those of a cluster. */
export function sourceOf(redisUrl: string): Parameters<typeof redisStore>[0] {
  if (!redisUrl.includes(',')) return { url: redisUrl }
  const rootNodes = redisUrl.split(',').map((url) => ({ url }))
  return { client: createCluster({ rootNodes, defaults: { disableOfflineQueue: true } }) }
}

async function rawGet({ redisUrl }: Setting, options: object): Promise<RequestListener> {
  const client = await connect(redisUrl, options)
  return koa(async (ctx) => {
    const value = await client.get(`raw:${ctx.get('X-WX-Session')}`)
    ctx.body = { user: value === null ? null : JSON.parse(value) }
  })
}

function koa(handler: Koa.Middleware): RequestListener {
  return new Koa().use(handler).callback()
}

export async function connect(url: string, options: object) {
  return createClient({ url, ...options }).connect()
}
