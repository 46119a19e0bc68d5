/**
 * Behind nginx as Debian has it, with `proxy_pass` and nothing else: what it does to our headers, both ways. It
 * drops names with dots and underscores, lets a header line be 8 KB long, and all headers of an answer 4 KB.
 */
import { randomBytes } from 'node:crypto'
import test from 'ava'
import Koa, { type Context } from 'koa'
import supertest, { type Response } from 'supertest'
import { ensureProgram } from '../../scripts/debian.js'
import type { Phone } from '../../simulator/src/index.js'
import { encrypt } from '../../simulator/src/user-info.js'
import { headerCarrier, memoryStore, type SessionStore } from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { startNginx } from '../support/nginx.js'
import { isRefused, listen, startServer, type TestServer, type TestServerOptions } from '../support/server.js'
import { userInfoOf } from '../support/session-key.js'
import { CARRIERS, type CarrierName, KEY, kept } from '../support/visitor.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone, startWechat } from '../support/wechat.js'

const hasNginx = ensureProgram({ command: 'nginx', versionFlag: '-v', package: 'nginx' })
if (!hasNginx) console.log('There is no nginx, and it cannot be installed here: its tests are skipped.')
const check = hasNginx ? test : test.skip

/** Characters of one header line that nginx takes: a buffer of large_client_header_buffers. */
const LINE_MAX = 8192

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  check(`${carrier}: a whole life behind nginx`, async (t) => {
    const { send, direct } = await behindNginx(t, { carrier: CARRIERS[carrier](), handler: serve })
    const { wechat } = direct
    const phone = namedPhone(wechat, 'alice')
    const headers = { ...(await loginHeaders(phone)), ...(await encryptedOf(phone)) }

    const login = await send(headers)
    t.is(login.status, 200)
    t.deepEqual(
      [login.body.user.openId, login.body.user.nickName, login.body.isNew],
      [phone.user.openId, 'alice', true],
    )
    t.is(Object.keys(kept(login)).length, carrier === 'code' ? 0 : 1)
    if (carrier !== 'code') t.is(login.get('Cache-Control'), 'no-store')

    const session = { ...codeOnly(headers), ...kept(login) }
    const later = await send(session, '/put?one=1')
    t.deepEqual([later.status, later.body.data], [200, { one: '1' }])
    t.deepEqual(kept(later), {})

    const rotated = await send(session, '/rotate')
    const fresh = { ...session, ...kept(rotated) }
    t.deepEqual((await send(fresh)).body.data, { one: '1' })
    if (carrier !== 'code') isRefused(t, await send(session), 'ERR_SESSION_EXPIRED', 401)

    const logout = await send(fresh, '/logout')
    t.is(logout.status, 200)
    if (carrier === 'cookie') t.regex(String(logout.get('Set-Cookie')), /^__Host-wx-session=;/)
    isRefused(t, await send(fresh), 'ERR_SESSION_EXPIRED', 401)
  })

  check(`${carrier}: refusals come through as they are`, async (t) => {
    const inner = memoryStore()
    const store: SessionStore = { ...inner, read: () => Promise.reject(new Error('away')) }
    const healthy = await behindNginx(t, { carrier: CARRIERS[carrier](), handler: serve })
    const { wechat: weixin } = healthy.direct
    const away = await behindNginx(t, { weixin, store, carrier: CARRIERS[carrier](), handler: serve })
    const headers = await codeLoginHeaders(weixin.phone('alice'))
    const session = { ...codeOnly(headers), ...kept(await healthy.send(headers)) }

    const unavailable = await away.send(session)
    t.deepEqual(
      [
        unavailable.status,
        unavailable.get('X-WX-Session-Error'),
        unavailable.get('Retry-After'),
        unavailable.get('Cache-Control'),
      ],
      [503, 'ERR_STORE_UNAVAILABLE', '1', 'no-store'],
    )

    weixin.fail({ errcode: 45011 })
    const tooOften = await healthy.send(await codeLoginHeaders(weixin.phone('bob')))
    isRefused(t, tooOften, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 429)
    t.regex(tooOften.get('Retry-After') ?? '', /^\d+$/)
    weixin.fail({ status: 502, body: 'x' })
    const broken = await healthy.send(await codeLoginHeaders(weixin.phone('bob')))
    isRefused(t, broken, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 502)
    isRefused(t, await healthy.send({ 'X-WX-Code': 'a,b', 'X-WX-Login': 'code' }), 'ERR_BAD_REQUEST', 400)
    const malformed = { 'X-WX-Code': 'a', 'X-WX-RawData': '%', 'X-WX-Signature': 'x' }
    isRefused(t, await healthy.send(malformed), 'ERR_UNTRUSTED_RAW_DATA', 400)
  })
}

check('every request header of ours arrives as it was sent, and every response header too', async (t) => {
  const answers = {
    'X-WX-Session': `${'a'.repeat(43)}.${'b'.repeat(43)}`,
    'X-WX-Token': `${'a'.repeat(100)}.${'b'.repeat(400)}.${'c'.repeat(86)}`,
    'X-WX-Session-Error': 'ERR_SESSION_EXPIRED',
    'Retry-After': '60',
    'Cache-Control': 'no-store',
    'Set-Cookie': [
      '__Host-wx-session=a.b; path=/; expires=Sat, 01 Jan 2050 00:00:00 GMT; samesite=lax; secure; httponly',
    ],
  }
  const app = new Koa()
  app.use((ctx) => {
    ctx.set(answers)
    ctx.body = { received: ctx.headers }
  })
  const url = await startNginx(t, await listen(t, app))
  const { encryptedData, iv } = encrypt({ some: 'data' }, randomBytes(16).toString('base64'))
  const headers = {
    'X-WX-Code': '0a1B-c_D~!%',
    'X-WX-RawData': encodeURIComponent('{"nickName":"小明😀 & \\"co\\""}'),
    'X-WX-Signature': 'a'.repeat(40),
    'X-WX-Encrypted-Data': encryptedData,
    'X-WX-IV': iv,
    'X-WX-Login': 'code',
    'X-WX-AppId': 'wx0123456789abcdef',
    'X-WX-Session': answers['X-WX-Session'],
    Authorization: `Bearer ${answers['X-WX-Token']}`,
    Cookie: 'other=1; __Host-wx-session=a.b',
  }

  const response = await supertest(url).get('/').set(headers)

  for (const [name, value] of Object.entries(headers))
    t.is(response.body.received[name.toLowerCase()], value, name)
  for (const [name, value] of Object.entries(answers)) t.deepEqual(response.get(name), value as never, name)
})

check('the longest rawData: a header line of 8 KB logs in, whatever the carrier', async (t) => {
  for (const carrier of ['code', 'header', 'cookie'] as const) {
    const { send, direct } = await behindNginx(t, { carrier: CARRIERS[carrier](), handler: serve })
    const headers = await longLogin(
      namedPhone(direct.wechat, carrier),
      LINE_MAX - 'X-WX-RawData: \r\n'.length,
    )

    const login = await send(headers)

    t.is(login.status, 200, carrier)
    t.true(login.body.user.nickName.length > 7000)
    t.is((await send({ ...codeOnly(headers), ...kept(login) })).status, 200)
  }
})

check('rawData beyond that is refused by nginx, before anything is spent; directly it logs in', async (t) => {
  const { send, direct } = await behindNginx(t, { handler: serve })
  const headers = await longLogin(namedPhone(direct.wechat, 'alice'), 8192)

  const refused = await send(headers)

  t.is(refused.status, 400)
  t.is(refused.get('X-WX-Session-Error'), undefined)
  t.regex(refused.text, /nginx/)
  t.is(direct.wechat.exchanges, 0)
  t.is((await direct.send(headers)).status, 200)
})

check('a login on a path takes what no header takes', async (t) => {
  const { url, direct } = await behindNginx(t, { loginPath: '/login', handler: serve })
  const phone = namedPhone(direct.wechat, 'alice')
  phone.profile = { nickName: '微'.repeat(5000) }
  const { 'X-WX-Code': code } = await codeLoginHeaders(phone)
  const { rawData, signature } = await userInfoOf(phone)

  const response = await supertest(url).post('/login').send({ code, rawData, signature })

  t.is(response.status, 200)
  t.is(response.body.user.nickName.length, 5000)
})

// nginx answers 502 to a response whose headers have more than 4 KB (proxy_buffer_size): so a long profile is in no
// token.
check('jwt: the token of the longest rawData comes through', async (t) => {
  const { send, direct } = await behindNginx(t, { carrier: CARRIERS.jwt(), handler: serve })
  const headers = await longLogin(namedPhone(direct.wechat, 'alice'), LINE_MAX - 'X-WX-RawData: \r\n'.length)

  const login = await send(headers)

  t.is(login.status, 200)
  t.is((await send(kept(login))).status, 200)
})

check('jwt: a token with a profile as WeChat has them is far from the limits', async (t) => {
  const { send, direct } = await behindNginx(t, { carrier: jwtCarrier({ keys: KEY }), handler: serve })
  const phone = namedPhone(direct.wechat, 'alice')
  phone.profile = { nickName: '微'.repeat(32), city: '广州', province: '广东', country: '中国' }

  const login = await send(await loginHeaders(phone))

  t.is(login.status, 200)
  t.true((login.get('X-WX-Token') ?? '').length < 2000)
  t.is((await send(kept(login))).body.user.nickName, phone.profile.nickName)
})

// The default name of wechat-app-session, and the reason for the warning at start-up.
check('B7 wx_app_session.id does not come through, unless nginx is told to let it', async (t) => {
  for (const name of ['wx_app_session.id', 'wx_session', 'wx.session']) {
    const carrier = headerCarrier({ keys: KEY, name })
    const { send, direct } = await behindNginx(t, { carrier, handler: serve })
    const told = await startNginx(t, direct.url, ['ignore_invalid_headers off', 'underscores_in_headers on'])
    const login = await direct.send(await codeLoginHeaders(direct.wechat.phone('alice')))
    const session = { [name]: login.get(name) ?? '' }
    t.is((await direct.send(session)).body.user?.openId, direct.wechat.user('alice').openId)

    const behind = await send(session)
    const letThrough = await supertest(told).get('/').set(session)

    t.is(behind.body.user, null, name)
    t.is(letThrough.body.user?.openId, direct.wechat.user('alice').openId)
  }
})

check('several mini programs behind one nginx', async (t) => {
  const [shop, game] = [startWechat(t), startWechat(t)]
  const apps = { [shop.appId]: shop.appSecret, [game.appId]: game.appSecret }
  const options = { weixin: shop, apps, appId: undefined, appSecret: undefined, carrier: CARRIERS.header() }
  const { send } = await behindNginx(t, { ...options, handler: serve })
  const login = await codeLoginHeaders(shop.phone('alice'))

  const byHeader = await send({ ...login, 'X-WX-AppId': shop.appId })
  const byReferer = await send({
    ...kept(byHeader),
    Referer: `https://servicewechat.com/${shop.appId}/1/page-frame.html`,
  })

  t.is(byHeader.body.user.openId, shop.user('alice').openId)
  t.is(byReferer.body.user.openId, shop.user('alice').openId)
})

interface Behind {
  url: string
  /** A GET through nginx. */
  send(headers?: Record<string, string>, path?: string): Promise<Response>
  /** The server itself. */
  direct: TestServer
}

async function behindNginx(t: Parameters<typeof startNginx>[0], options: TestServerOptions): Promise<Behind> {
  // The machine is busy with other tests: ms for an exchange.
  const direct = await startServer(t, { wechat: { timeout: 30_000 }, ...options })
  const url = await startNginx(t, direct.url)
  return { url, direct, send: async (headers = {}, path = '/') => supertest(url).get(path).set(headers) }
}

async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, path, query } = ctx
  await session?.load()
  if (path === '/put') Object.assign(session?.data ?? {}, query)
  if (path === '/rotate') await session?.rotate()
  const data = session?.data
  if (path === '/logout') await session?.destroy()
  ctx.body = { user: ctx.$wxUserInfo, isNew: session?.isNew, data }
}

/** A login whose encoded rawData has exactly so many characters. */
async function longLogin(phone: Phone, length: number): Promise<Record<string, string>> {
  phone.profile = { nickName: 'a' }
  const { 'X-WX-RawData': short = '' } = await loginHeaders(phone)
  phone.profile = { nickName: 'a'.repeat(1 + length - short.length) }
  const headers = await loginHeaders(phone)
  if (headers['X-WX-RawData']?.length !== length) throw new Error(`rawData is not ${length} characters long`)
  return headers
}

async function encryptedOf(phone: Phone): Promise<Record<string, string>> {
  const { encryptedData, iv } = await userInfoOf(phone)
  return { 'X-WX-Encrypted-Data': encryptedData, 'X-WX-IV': iv }
}
