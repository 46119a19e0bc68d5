/** cloudRun(): users whom 云托管 names, through the simulator's callContainer and its public entrance. */
import test, { type ExecutionContext } from 'ava'
import supertest from 'supertest'
import { cloudRun, headerCarrier, WeappSessionError, weappSession } from '../src/index.js'
import { startServer, type TestServer } from './support/server.js'
import { KEY, kept } from './support/visitor.js'
import { newCode, startWechat } from './support/wechat.js'

type Phone = ReturnType<ReturnType<typeof startWechat>['phone']>
type Cloud = ReturnType<ReturnType<typeof startWechat>['cloudRun']>

const ENV = 'prod-0a1b2c'

async function start(t: ExecutionContext): Promise<{ server: TestServer; cloud: Cloud; alice: Phone }> {
  const weixin = startWechat(t)
  const server = await startServer(t, {
    weixin,
    carrier: headerCarrier({ keys: KEY, anonymous: true }),
    trust: cloudRun({ appIds: [weixin.appId], env: ENV }),
    handler: async (ctx) => {
      const session = ctx.$wxSession
      if (ctx.path === '/decrypt') await session?.decrypt({ encryptedData: 'AAAA', iv: 'AAAA' })
      if (ctx.path === '/key') await session?.isKeyAlive()
      if (ctx.path === '/data' && session) session.data.cart = 1
      if (ctx.path === '/logout') await session?.destroy()
      if (ctx.path === '/rotate') await session?.rotate()
      ctx.body = { user: ctx.$wxUserInfo, session: ctx.$wxUserInfo && session }
    },
  })
  const cloud = weixin.cloudRun({ env: ENV, services: { api: server.url } })
  const alice = weixin.phone('alice')
  alice.wx.cloud.init({ env: ENV })
  return { server, cloud, alice }
}

const call = async (phone: Phone, path = '/') => {
  const result = await phone.wx.cloud.callContainer({ path, header: { 'X-WX-SERVICE': 'api' } })
  return result as unknown as { statusCode: number; data: { user: { openId: string } | null } }
}

test('cloudRun(): callContainer() is its user’s, without a login and without an exchange', async (t) => {
  const { server, alice } = await start(t)
  const { statusCode, data } = await call(alice)
  t.is(statusCode, 200)
  t.is(data.user?.openId, server.wechat.user('alice').openId)
  t.is((data.user as { appId?: string }).appId, server.wechat.appId)
  t.is(server.wechat.exchanges, 0)
  t.is((await call(alice, '/logout')).data.user, null)
  t.is((await call(alice, '/rotate')).statusCode, 200)
  t.truthy((await call(alice)).data.user, 'the next call is identified anew')
})

test('ERR_NO_SESSION_KEY: what needs a session_key is an error of the server’s, and no refusal', async (t) => {
  const { server, alice } = await start(t)
  const errors: (Error & { code?: string; status?: number })[] = []
  server.app.on('error', (error) => errors.push(error))
  for (const path of ['/decrypt', '/key']) t.is((await call(alice, path)).statusCode, 500)
  t.deepEqual(
    errors.map(({ code, status }) => [code, status]),
    [
      ['ERR_NO_SESSION_KEY', 500],
      ['ERR_NO_SESSION_KEY', 500],
    ],
  )
  t.false(errors.some((error) => error instanceof WeappSessionError))
})

test('cloudRun(): data that would be lost is an error that says so', async (t) => {
  const { server, alice } = await start(t)
  const errors: Error[] = []
  server.app.on('error', (error) => errors.push(error))
  t.is((await call(alice, '/data')).statusCode, 500)
  t.regex(errors[0]?.message ?? '', /no session to keep data in/)
})

test('cloudRun(): forged headers with another environment, app or source get nowhere', async (t) => {
  const { server, cloud } = await start(t)
  const { appId } = server.wechat
  const good = { 'X-WX-OPENID': 'o-victim', 'X-WX-APPID': appId, 'X-WX-ENV': ENV, 'X-WX-SOURCE': 'wx_client' }
  const publicly = async (header: [string, string][]) => {
    const { statusCode, body } = await cloud.publicCall({ service: 'api', path: '/', header })
    return { statusCode, body: JSON.parse(body) as { user?: unknown; reason?: string } }
  }

  for (const changes of [
    { 'X-WX-ENV': 'prod-other' },
    { 'X-WX-ENV': '' },
    { 'X-WX-APPID': 'wx0000000000000000' },
    { 'X-WX-APPID': '' },
    { 'X-WX-SOURCE': '' },
    { 'X-WX-OPENID': '' },
    { 'X-WX-OPENID': 'o victim' },
    { 'X-WX-OPENID': 'x'.repeat(200) },
  ]) {
    const { statusCode, body } = await publicly(Object.entries({ ...good, ...changes }))
    t.is(statusCode, 200)
    t.is(body.user, null, JSON.stringify(changes))
  }
  for (const missing of Object.keys(good)) {
    const rest = Object.entries(good).filter(([name]) => name !== missing)
    t.is((await publicly(rest)).body.user, null, `without ${missing}`)
  }
  for (const repeated of Object.entries(good)) {
    const { statusCode, body } = await publicly([...Object.entries(good), repeated])
    t.is(statusCode, 400, repeated[0])
    t.is(body.reason, 'ERR_BAD_REQUEST')
  }
  const two: [string, string][] = [
    ...Object.entries(good),
    ['X-WX-FROM-OPENID', 'o-other'],
    ['X-WX-FROM-APPID', appId],
  ]
  t.is((await publicly(two)).statusCode, 400)
  const stripped = await cloud.publicCall({
    service: 'api',
    path: '/',
    header: Object.entries(good),
    stripsForged: true,
  })
  t.is(JSON.parse(stripped.body).user, null)
})

test('cloudRun({ sources }): others are not believed', async (t) => {
  const weixin = startWechat(t)
  const trust = cloudRun({ appIds: [weixin.appId], env: ENV, sources: ['wx_client'] })
  const server = await startServer(t, { weixin, trust })
  const good = { 'X-WX-OPENID': 'o-alice', 'X-WX-APPID': weixin.appId, 'X-WX-ENV': ENV }
  t.truthy((await server.session.identify(asRequest({ ...good, 'X-WX-SOURCE': 'wx_client' })))?.openId)
  t.is(await server.session.identify(asRequest({ ...good, 'X-WX-SOURCE': 'other' })), null)
})

test('cloudRun(): 资源复用, the user is the calling app’s', async (t) => {
  const owner = startWechat(t)
  const game = startWechat(t)
  const server = await startServer(t, {
    weixin: game,
    trust: cloudRun({ appIds: [game.appId], env: ENV }),
    handler: (ctx) => {
      ctx.body = { user: ctx.$wxUserInfo }
    },
  })
  const cloud = owner.cloudRun({ env: ENV, services: { api: server.url } })
  game.cloudRun(cloud)
  const { wx } = game.phone('bob')
  const shared = new wx.cloud.Cloud({ resourceAppid: cloud.resourceAppid, resourceEnv: cloud.env })
  await shared.init()
  const result = await shared.callContainer({ path: '/', header: { 'X-WX-SERVICE': 'api' } })
  const { user } = (result as unknown as { data: { user: { openId: string; appId: string } } }).data
  t.is(user.openId, game.user('bob').openId)
  t.is(user.appId, game.appId)
})

test('cloudRun(): requests without X-WX-SOURCE go on to the ordinary protocol', async (t) => {
  const { server } = await start(t)
  const code = await newCode(server.wechat.phone('bob'))
  const login = await server.send({ 'Weapp-Code': code, 'Weapp-Login': 'code' })
  t.is(login.body.user.openId, server.wechat.user('bob').openId)
  t.truthy(
    (await server.send({ 'Weapp-Session': login.get('Weapp-Session') ?? '', ...kept(login) })).body.user,
  )
})

test('cloudRun(): options that make no sense are TypeErrors, and outside 云托管 it warns', async (t) => {
  const options = [
    {},
    { appIds: [], env: ENV },
    { appIds: 'wx1', env: ENV },
    { appIds: ['wx1'] },
    { appIds: ['wx1'], env: '' },
    { appIds: ['wx1'], env: ENV, sources: [] },
    { appIds: ['wx1'], env: ENV, source: ['x'] },
  ]
  for (const each of options)
    t.throws(
      () => cloudRun(each as never),
      { instanceOf: TypeError, message: /cloudRun/ },
      JSON.stringify(each),
    )
  const app = { appId: 'wx0123456789abcdef', appSecret: 'secret' }
  t.throws(() => weappSession({ ...app, trust: {} as never }), { instanceOf: TypeError, message: /trust/ })

  const warnings: { code?: string }[] = []
  const hear = (warning: Error) => void warnings.push(warning as { code?: string })
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  cloudRun({ appIds: ['wx1'], env: ENV })
  await new Promise(setImmediate)
  t.true(warnings.some(({ code }) => code === 'WEAPP_CLOUD_RUN'))
})

function asRequest(headers: Record<string, string>): Parameters<TestServer['session']['identify']>[0] {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return {
    headers: Object.fromEntries(entries),
    rawHeaders: Object.entries(headers).flat(),
    url: '/',
  } as never
}

test('cloudRun(): a login is a login, also where the platform names the user', async (t) => {
  const weixin = startWechat(t)
  const trust = cloudRun({ appIds: [weixin.appId], env: ENV })
  const server = await startServer(t, {
    weixin,
    trust,
    loginPath: '/login',
    carrier: headerCarrier({ keys: KEY }),
  })
  const named = {
    'X-WX-OPENID': 'o-x',
    'X-WX-APPID': weixin.appId,
    'X-WX-ENV': ENV,
    'X-WX-SOURCE': 'wx_client',
  }
  const login = await server.send({
    ...named,
    'Weapp-Code': await newCode(weixin.phone('alice')),
    'Weapp-Login': 'code',
  })
  t.is(login.get('Weapp-Login'), 'accepted')
  t.is(login.body.user.openId, weixin.user('alice').openId)
  const empty = await supertest(server.url).post('/login').set(named)
  t.is(empty.status, 415)
  t.is(empty.body.login, undefined)
})
