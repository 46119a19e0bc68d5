import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import supertest, { type Response } from 'supertest'
import type { Phone } from '../src/simulator/index.js'
import {
  answer,
  isRefused,
  listen,
  startServer,
  type TestServer,
  type TestServerOptions,
} from './support/server.js'
import { CARRIERS, type CarrierName, kept } from './support/visitor.js'
import { codeOnly, loginHeaders, namedPhone, newCode } from './support/wechat.js'

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  test(`${carrier}: a login in a body answers with the user, and the session is there`, async (t) => {
    const server = await start(t, { carrier: CARRIERS[carrier]() })
    const fields = await loginFields(namedPhone(server.wechat, 'alice'))

    const login = await post(server, fields)

    t.is(login.status, 200)
    t.is(login.body.user.nickName, 'alice')
    t.is(login.body.user.openId, server.wechat.user('alice').openId)
    t.true(Date.parse(login.body.expiresAt) > Date.now())
    t.is(login.get('Cache-Control'), 'no-store')
    const later = await server.send({ 'X-WX-Code': fields.code ?? '', ...kept(login) })
    t.deepEqual(later.body.user, login.body.user)
  })
}

test('a profile that is longer than any header may be logs in', async (t) => {
  const server = await start(t)
  const phone = server.wechat.phone({ name: 'alice', nickName: '长'.repeat(5000) })
  phone.userInfo = 'named'

  const login = await post(server, await loginFields(phone))

  t.is(login.status, 200)
  t.is(login.body.user.nickName.length, 5000)
})

test('a code is enough, and 50 at once share one exchange', async (t) => {
  const server = await start(t)
  server.wechat.fail({ delay: 50 })
  const code = await newCode(server.wechat.phone())

  const logins = await Promise.all(Array.from({ length: 50 }, () => post(server, { code })))

  t.deepEqual(new Set(logins.map(({ status }) => status)), new Set([200]))
  t.is(server.wechat.exchanges, 1)
})

test('a body that was parsed before is taken as it is', async (t) => {
  const { wechat, session } = await start(t)
  const code = await newCode(wechat.phone('alice'))
  const app = new Koa()
  app.use(async (ctx, next) => {
    for await (const _ of ctx.req);
    Object.assign(ctx.request, { body: { code } })
    await next()
  })
  app.use(session)

  const login = await supertest(await listen(t, app))
    .post('/login')
    .set('Content-Type', 'application/json')
    .send('parsed')

  t.is(login.status, 200)
  t.is(login.body.user.openId, wechat.user('alice').openId)
})

test('what is no login in a body is refused, costs nothing, and the connection lives', async (t) => {
  const server = await start(t)
  const { rawData, signature } = await loginFields(namedPhone(server.wechat, 'alice'))
  const code = await newCode(server.wechat.phone())
  const bodies: [unknown, string][] = [
    ['', 'ERR_BAD_REQUEST'],
    ['null', 'ERR_BAD_REQUEST'],
    ['[]', 'ERR_BAD_REQUEST'],
    ['{"code":', 'ERR_BAD_REQUEST'],
    [{}, 'ERR_BAD_REQUEST'],
    [{ code: 1 }, 'ERR_BAD_REQUEST'],
    [{ code: { toString: 1 } }, 'ERR_BAD_REQUEST'],
    [{ code: 'a'.repeat(300) }, 'ERR_BAD_REQUEST'],
    [{ code, rawData: {} }, 'ERR_UNTRUSTED_RAW_DATA'],
    [{ code, rawData, signature: 1 }, 'ERR_UNTRUSTED_RAW_DATA'],
    [{ code, rawData }, 'ERR_UNTRUSTED_RAW_DATA'],
    [{ code, encryptedData: 'x', iv: 'y' }, 'ERR_UNTRUSTED_RAW_DATA'],
    [{ code, rawData: 'x'.repeat(70_000), signature }, 'ERR_BAD_REQUEST'],
  ]

  for (const [body, reason] of bodies) isRefused(t, await post(server, body), reason, 400)

  t.is(server.wechat.exchanges, 0)
  t.is((await server.send()).status, 200)
})

test('other requests to the path, and to others, are not touched', async (t) => {
  const server = await start(t)

  t.is((await server.send({}, '/login')).body.user, null)
  t.is((await supertest(server.url).post('/other').send({ code: 'x' })).status, 200)
  t.is(server.wechat.exchanges, 0)
})

function start(t: ExecutionContext, options: TestServerOptions = {}): Promise<TestServer> {
  return startServer(t, { loginPath: '/login', handler: answerLoaded, ...options })
}

async function post({ url }: TestServer, body: unknown): Promise<Response> {
  const request = supertest(url).post('/login').set('Content-Type', 'application/json')
  return typeof body === 'string' ? request.send(body) : request.send(JSON.stringify(body))
}

async function loginFields(phone: Phone): Promise<Record<string, string>> {
  const headers = await loginHeaders(phone)
  return {
    code: codeOnly(headers)['X-WX-Code'] ?? '',
    rawData: decodeURIComponent(headers['X-WX-RawData'] ?? ''),
    signature: headers['X-WX-Signature'] ?? '',
  }
}

async function answerLoaded(ctx: Context): Promise<void> {
  await ctx.$wxSession?.load()
  answer(ctx)
}
