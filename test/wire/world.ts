/** A server for each carrier, something in front of it, and phones of the simulator that reach it with our client. */
import { createServer, type Server } from 'node:http'
import { Readable } from 'node:stream'
import type { ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import { createSession, type Session } from '../../client/src/index.js'
import { createWechat, type Phone, type Wechat } from '../../simulator/src/index.js'
import { type Carrier, codeCarrier, cookieCarrier, headerCarrier, weappSession } from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { listenTo } from '../support/server.js'
import { KEY } from '../support/visitor.js'

/** Seconds. */
export const TTL = 1000

export const CARRIERS: Record<'code' | 'header' | 'cookie' | 'jwt', () => Carrier> = {
  code: () => codeCarrier(),
  header: () => headerCarrier({ keys: KEY, anonymous: true }),
  cookie: () => cookieCarrier({ keys: KEY, secure: false, anonymous: true }),
  jwt: () => jwtCarrier({ keys: KEY, staleness: 1 }),
}

export type CarrierName = keyof typeof CARRIERS

/** What a handler does with the session. */
export const DEEDS = ['look', 'write', 'rotate', 'logout'] as const
export type Deed = (typeof DEEDS)[number]

/** How the answer to it is made. `page`: by somebody in front of the server, which hears nothing of the request. */
export const WAYS = ['200', 'throw', '404', 'redirect', 'stream', 'raw', 'cookie', 'page'] as const
export type Way = (typeof WAYS)[number]

export interface World {
  wechat: Wechat
  url: string
  /** A phone that was never used, and a launch of the app on it. */
  newPhone(): { phone: Phone; session: Session; openId: string }
  /** The app on a phone that was started anew. */
  relaunch(phone: Phone): Session
}

/** @param bend changes the server's middleware, so that the model has something to find */
export async function startWorld(
  t: ExecutionContext,
  carrier: CarrierName,
  bend: (app: Koa) => void = () => {},
): Promise<World> {
  const wechat = createWechat()
  t.teardown(() => wechat.close())
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({
    ...{ appId, appSecret, wechat: { fetch } },
    ...{ carrier: CARRIERS[carrier](), ttl: TTL, rolling: true, maxSessionsPerUser: 50 },
  })
  t.teardown(() => session.close())
  const app = new Koa()
  app.silent = true
  bend(app)
  app.use(session)
  app.use(handle)
  const callback = app.callback()
  const server: Server = createServer((request, response) => {
    if (!request.url?.includes('way=page')) return void callback(request, response)
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>somebody else</html>')
  })
  const url = await listenTo(t, server)
  let users = 0
  const relaunch = (phone: Phone) =>
    createSession({ baseUrl: url, wx: phone.wx as never, profile: 'none', storageKey: 'session' })

  return {
    wechat,
    url,
    newPhone() {
      const name = `user${users++}`
      const phone = wechat.phone(name)
      return { phone, session: relaunch(phone), openId: wechat.user(name).openId }
    },
    relaunch,
  }
}

/** `/do?deed=…&way=…`; and `/who`, which only looks. */
async function handle(ctx: Context): Promise<void> {
  const { deed, way } = ctx.query as { deed?: Deed; way?: Way }
  const session = ctx.$wxSession
  const isUsers = ctx.$wxUserInfo !== null
  if (session) await session.load()
  if (session && deed === 'write') session.data.writes = Number(session.data.writes ?? 0) + 1
  if (session && isUsers && deed === 'rotate') await session.rotate()
  const data = { ...session?.data }
  if (session && isUsers && deed === 'logout') await session.destroy()
  await answer(ctx, way, { user: isUsers ? (ctx.$wxUserInfo?.openId ?? 'ended') : null, data })
}

async function answer(ctx: Context, way: Way | undefined, body: object): Promise<void> {
  if (way === 'throw') throw new Error('of the handler')
  if (way === '404') ctx.throw(404)
  if (way === 'redirect') return ctx.redirect('/who')
  if (way === 'cookie') ctx.set('Set-Cookie', 'theme=dark; path=/')
  if (way === 'stream') {
    ctx.type = 'json'
    ctx.body = Readable.from([JSON.stringify(body)])
    return
  }
  if (way === 'raw') {
    ctx.respond = false
    ctx.res.writeHead(200, { 'Content-Type': 'application/json' })
    ctx.res.end(JSON.stringify(body))
    return
  }
  ctx.body = body
}
