/** Fills Redis with the sessions of every candidate, in a process that serves none of them. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import {
  type Carrier,
  codeCarrier,
  cookieCarrier,
  headerCarrier,
  redisStore,
  weappSession,
} from 'koa-weapp-session'
import { jwtCarrier } from 'koa-weapp-session/jwt'
import { createClient } from 'redis'
import type { Setting } from './candidates.js'
import { APP_ID, APP_SECRET, idOf, KEY, SESSION_KEY, signed, skeyOf, userOf } from './sessions.js'

const HOURS = { type: 'EX', value: 7200 } as const

export async function seed(redisUrl: string, wechatUrl: string, count: number): Promise<Setting> {
  await seedPeers(redisUrl, count, ['raw', 'koa', 'express', 'wafer'])
  const made: Setting['made'] = {
    code: await logInAll(redisUrl, count, codeCarrier()),
    header: await logInAll(redisUrl, count, headerCarrier({ keys: [KEY] })),
    cookie: await logInAll(redisUrl, count, cookieCarrier({ keys: [KEY] })),
    jwt: await logInAll(redisUrl, count, jwtCarrier({ keys: [KEY], expiresIn: 7200 })),
  }
  return { redisUrl, wechatUrl, count, made }
}

/** By the prefix of its keys. */
export type PeerKey = 'raw' | 'koa' | 'express' | 'wafer'

/** What each peer would have stored at login. */
export async function seedPeers(url: string, count: number, peers: PeerKey[]): Promise<void> {
  const client = await createClient({ url }).connect()
  for (let n = 0; n < count; n += 100) {
    const batch = Array.from({ length: Math.min(100, count - n) }, (_, i) => n + i)
    await Promise.all(
      batch.flatMap((n) =>
        peers.map((peer) =>
          client.set(`${peer}:${idOf(n)}`, JSON.stringify(sessionOf(peer, n)), { expiration: HOURS }),
        ),
      ),
    )
  }
  client.destroy()
}

function sessionOf(peer: PeerKey, n: number): object {
  const user = userOf(n)
  const expires = new Date(Date.now() + 7200_000)
  const cookie = { originalMaxAge: 7200_000, expires, httpOnly: true, path: '/' }
  if (peer === 'raw') return user
  if (peer === 'koa') return { user, _expire: expires.getTime(), _maxAge: 7200_000 }
  if (peer === 'express') return { cookie, user }
  return { cookie, id: idOf(n), skey: skeyOf(SESSION_KEY), sessionKey: SESSION_KEY, userInfo: user }
}

/** Logs users in over HTTP, as phones do, with an exchange that knows them all; what each would send from then on. */
async function logInAll(redisUrl: string, count: number, carrier: Carrier): Promise<string[]> {
  const session = weappSession({
    appId: APP_ID,
    appSecret: APP_SECRET,
    carrier,
    store: redisStore({ url: redisUrl, timeout: 5000 }),
    wechat: { fetch: exchange, concurrency: 1000 },
    onLogin() {},
  })
  const app = new Koa().use(session).use((ctx) => {
    ctx.body = 'ok'
  })
  const server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const made: string[] = []
  for (let n = 0; n < count; n += 50) {
    const batch = Array.from({ length: Math.min(50, count - n) }, (_, i) => logIn(url, n + i))
    made.push(...(await Promise.all(batch)))
  }
  server.closeAllConnections()
  server.close()
  await session.close()
  return made
}

async function logIn(url: string, n: number): Promise<string> {
  const code = `code-${n}-${Math.random().toString(36).slice(2)}`
  const response = await fetch(url, { headers: { 'X-WX-Code': code, ...signed(n) } })
  if (response.status !== 200) throw new Error(`login ${n}: ${response.status} ${await response.text()}`)
  await response.arrayBuffer()
  const session = response.headers.get('X-WX-Session')
  const token = response.headers.get('X-WX-Token')
  const [cookie] = response.headers.getSetCookie()
  if (session) return JSON.stringify({ 'X-WX-Session': session })
  if (token) return JSON.stringify({ Authorization: `Bearer ${token}` })
  return JSON.stringify(cookie ? { Cookie: cookie.split(';')[0] } : { 'X-WX-Code': code })
}

/** WeChat, as far as it matters here: a code names its user. */
async function exchange(url: string | URL | Request): Promise<Response> {
  const code = new URL(String(url)).searchParams.get('js_code') ?? ''
  const { openId: openid, unionId: unionid } = userOf(Number(code.split('-')[1]))
  return Response.json({ openid, unionid, session_key: SESSION_KEY })
}
