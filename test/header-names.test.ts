/** The two families of header names: `Weapp-…`, and the `X-WX-…` of 2016, which WeChat's gateway drops. */
import test from 'ava'
import type { Context } from 'koa'
import { exposedHeaders, headerCarrier, weappSession } from '../src/index.js'
import { isRefused, startServer } from './support/server.js'
import { CARRIERS, type CarrierName, KEY, kept } from './support/visitor.js'
import { loginHeaders, namedPhone, newCode, startWechat } from './support/wechat.js'

/** Both names of each header of a login with a profile. */
function renamed(headers: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace('X-WX-', prefix), value]),
  )
}

for (const name of Object.keys(CARRIERS) as CarrierName[]) {
  test(`Weapp-Code (${name}): a login with a profile, and its session, in the names that pass the gateway`, async (t) => {
    const handler = (ctx: Context) => {
      ctx.body = { user: ctx.$wxUserInfo }
    }
    const server = await startServer(t, { carrier: CARRIERS[name](), handler })
    const login = renamed(await loginHeaders(namedPhone(server.wechat, 'alice')), 'Weapp-')

    const first = await server.send(login)
    t.is(first.body.user?.nickName, 'alice')
    t.is(first.get('Weapp-Login'), 'accepted')
    t.deepEqual(
      Object.keys(first.headers).filter((header) => header.startsWith('x-wx-')),
      [],
    )
    const session = first.get('Weapp-Session')
    const token = first.get('Weapp-Token')
    const later = await server.send({
      ...(name === 'code' && { 'Weapp-Code': login['Weapp-Code'] as string }),
      ...(session && { 'Weapp-Session': session }),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...kept(first),
    })
    t.is(later.body.user?.nickName, 'alice')
  })
}

test('Weapp-Session: a session goes on under the names of the other family', async (t) => {
  for (const name of ['code', 'header'] as const) {
    const server = await startServer(t, { carrier: CARRIERS[name]() })
    const code = await newCode(server.wechat.phone('alice'))
    const login = await server.send({ 'X-WX-Code': code, 'X-WX-Login': 'code' })
    const value = name === 'code' ? code : (login.get('X-WX-Session') as string)
    const header = name === 'code' ? 'Code' : 'Session'
    t.truthy((await server.send({ [`Weapp-${header}`]: value })).body.user)
    t.truthy((await server.send({ [`X-WX-${header}`]: value })).body.user)
  }
})

test('Weapp-Code and X-WX-Code: the same twice is one, and different ones are ERR_BAD_REQUEST', async (t) => {
  const server = await startServer(t, { carrier: headerCarrier({ keys: KEY }) })
  const code = await newCode(server.wechat.phone('alice'))
  const both = { 'Weapp-Code': code, 'Weapp-Login': 'code', 'X-WX-Code': code, 'X-WX-Login': 'code' }
  const login = await server.send(both)
  t.is(login.status, 200)
  const credential = (login.get('Weapp-Session') ?? login.get('X-WX-Session')) as string
  t.truthy((await server.send({ 'Weapp-Session': credential, 'X-WX-Session': credential })).body.user)
  // One says less than the other.
  t.is((await server.send({ ...both, 'X-WX-Code': code })).status, 200)

  const before = server.wechat.exchanges
  for (const headers of [
    { 'Weapp-Session': credential, 'X-WX-Session': 'another' },
    { 'Weapp-Session': credential, 'X-WX-Code': 'another' },
    { 'Weapp-Session': credential, 'X-WX-Code': 'another', 'X-WX-Login': 'code' },
    { 'Weapp-Code': 'one', 'Weapp-Login': 'code', 'X-WX-Code': 'another', 'X-WX-Login': 'code' },
    { 'Weapp-Code': 'one', 'X-WX-Login': 'code' },
  ]) {
    const answer = await server.send(headers)
    t.is(answer.status, 400, JSON.stringify(headers))
    t.is(answer.body.reason, 'ERR_BAD_REQUEST')
    t.is(answer.get('Weapp-Session-Error'), 'ERR_BAD_REQUEST')
    t.is(answer.get('X-WX-Session-Error'), 'ERR_BAD_REQUEST')
  }
  t.is(server.wechat.exchanges, before, 'nothing was sent to WeChat')
})

test('X-WX-OPENID: what 云托管 sets beside our names makes no second family', async (t) => {
  const server = await startServer(t, { carrier: headerCarrier({ keys: KEY }) })
  const code = await newCode(server.wechat.phone('alice'))
  const login = await server.send({
    'Weapp-Code': code,
    'Weapp-Login': 'code',
    'X-WX-OPENID': 'o-somebody',
    'X-WX-ENV': 'prod',
    'X-WX-SOURCE': 'wx_client',
    'X-WX-APPID': 'wx0000000000000000',
  })
  t.is(login.body.user?.openId, server.wechat.user('alice').openId)
})

test('Weapp-AppId: it wins over X-WX-AppId, which 云托管 sets, and that over the Referer', async (t) => {
  const [shop, game] = [startWechat(t), startWechat(t)]
  const apps = { [shop.appId]: shop.appSecret, [game.appId]: game.appSecret }
  const server = await startServer(t, { weixin: shop, apps, appId: undefined, appSecret: undefined })
  const login = async (headers: Record<string, string>) =>
    server.send({ 'Weapp-Code': await newCode(shop.phone('alice')), 'Weapp-Login': 'code', ...headers })

  t.is((await login({ 'Weapp-AppId': shop.appId, 'X-WX-AppId': game.appId })).body.user?.appId, shop.appId)
  t.is((await login({ 'X-WX-AppId': shop.appId })).body.user?.appId, shop.appId)
  const referer = `https://servicewechat.com/${game.appId}/1/page-frame.html`
  t.is((await login({ 'X-WX-AppId': shop.appId, Referer: referer })).body.user?.appId, shop.appId)
})

test('headers: another prefix is understood in the place of Weapp-, beside that of 2016', async (t) => {
  const server = await startServer(t, { carrier: headerCarrier({ keys: KEY }), headers: 'Acme-' })
  const code = await newCode(server.wechat.phone('alice'))
  const login = await server.send({ 'Acme-Code': code, 'Acme-Login': 'code' })
  t.is(login.get('Acme-Login'), 'accepted')
  t.truthy((await server.send({ 'Acme-Session': login.get('Acme-Session') as string })).body.user)
  t.is((await server.send({ 'Weapp-Session': login.get('Acme-Session') as string })).body.user, null)
  const old = await server.send({ 'X-WX-Code': await newCode(server.wechat.phone()), 'X-WX-Login': 'code' })
  t.is(old.get('X-WX-Login'), 'accepted')
  isRefused(t, await server.send({ 'Acme-Session': 'dead' }), 'ERR_SESSION_EXPIRED', 401, 'Acme-')
})

test('headers: a prefix that the gateway drops, or that names no header, is a TypeError', (t) => {
  const app = { appId: 'wx0123456789abcdef', appSecret: 'secret' }
  for (const headers of ['X-WX-', 'x-wx-app-', 'Acme', '', 'Ac me-', 'Ä-', 'A_-', 7, null])
    t.throws(() => weappSession({ ...app, headers: headers as string }), {
      instanceOf: TypeError,
      message: /headers/,
    })
  t.notThrows(() => weappSession({ ...app, headers: 'My-App-' }))
})

test('exposedHeaders: what a web page of another origin has to read', (t) => {
  for (const name of ['Login', 'Session', 'Token', 'Session-Error'])
    for (const prefix of ['Weapp-', 'X-WX-']) t.true(exposedHeaders.includes(prefix + name))
})

test('Weapp-Session-Error: errors name the header as the request has written it', async (t) => {
  const server = await startServer(t)
  const ours = await server.send({ 'Weapp-Code': 'x', 'Weapp-Login': 'nonsense' })
  t.regex(ours.body.error.message, /^Weapp-Login must be `code`/)
  const old = await server.send({ 'X-WX-Code': 'x', 'X-WX-Login': 'nonsense' })
  t.regex(old.body.error.message, /^X-WX-Login must be `code`/)
  const long = await server.send({ 'Weapp-Code': 'x'.repeat(300), 'Weapp-Login': 'code' })
  t.regex(long.body.error.message, /^Weapp-Code must be/)
})
