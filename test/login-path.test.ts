import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import supertest, { type Response } from 'supertest'
import type { Phone } from '../simulator/src/index.js'
import { weappSession } from '../src/index.js'
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
  test(`loginPath, ${carrier}: a login in a body answers with the user, and the session is there`, async (t) => {
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

test('loginPath: a profile that is longer than any header may be logs in', async (t) => {
  const server = await start(t)
  const phone = server.wechat.phone({ name: 'alice', nickName: '长'.repeat(5000) })
  phone.userInfo = 'named'

  const login = await post(server, await loginFields(phone))

  t.is(login.status, 200)
  t.is(login.body.user.nickName.length, 5000)
})

test('loginPath: a code is enough, and 50 at once share one exchange', async (t) => {
  const server = await start(t)
  server.wechat.fail({ delay: 50 })
  const code = await newCode(server.wechat.phone())

  const logins = await Promise.all(Array.from({ length: 50 }, () => post(server, { code })))

  t.deepEqual(new Set(logins.map(({ status }) => status)), new Set([200]))
  t.is(server.wechat.exchanges, 1)
})

test('loginPath: it takes a body that a parser has read before', async (t) => {
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

test('loginPath: a body that is no login is refused, costs nothing, and the connection stays open', async (t) => {
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

test('loginPath: it does not touch other requests to the path, or to other paths', async (t) => {
  const server = await start(t)

  t.is((await server.send({}, '/login')).body.user, null)
  t.is((await supertest(server.url).post('/other').send({ code: 'x' })).status, 200)
  t.is(server.wechat.exchanges, 0)
})

test('loginPath: only JSON logs in; content types that need no CORS preflight get 415, and cost nothing', async (t) => {
  const server = await start(t, { carrier: CARRIERS.cookie() })
  const code = await newCode(server.wechat.phone())
  const json = JSON.stringify({ code })
  const types = [
    undefined,
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=application/json',
    'text/plain; application/json',
    'application/jsonp',
    'application/vnd.api+json',
    'application/json, text/plain',
    'application/json; charset=gbk',
  ]

  for (const type of types) {
    const request = supertest(server.url)
      .post('/login')
      .set({ 'Content-Type': type ?? '' })
    if (type === undefined) request.unset('Content-Type')
    const response = await request.serialize(() => json).send(json)
    isRefused(t, response, 'ERR_BAD_REQUEST', 415)
    t.is(response.get('Set-Cookie'), undefined, type)
    t.regex(response.body.error.message, /application\/json/)
  }
  t.is(server.wechat.exchanges, 0)

  for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"']) {
    const fresh = JSON.stringify({ code: await newCode(server.wechat.phone()) })
    const request = supertest(server.url).post('/login').set('Content-Type', type)
    t.is((await request.serialize(() => fresh).send(fresh)).status, 200, type)
  }
})

test('loginPath: a form that a body parser has read is no login either', async (t) => {
  const { wechat, session } = await start(t, { carrier: CARRIERS.cookie() })
  const app = new Koa()
  const code = await newCode(wechat.phone())
  app.use(async (ctx, next) => {
    for await (const _ of ctx.req);
    Object.assign(ctx.request, { body: { code } })
    await next()
  })
  app.use(session)

  const response = await supertest(await listen(t, app))
    .post('/login')
    .type('form')
    .send({ code })

  isRefused(t, response, 'ERR_BAD_REQUEST', 415)
  t.is(wechat.exchanges, 0)
})

/** Headers of a login, and whether a server at `api.example.com` with cookies takes it. */
const SENT_BY: [what: string, headers: Record<string, string>, isTaken: boolean][] = [
  ['a program that says nothing of itself', {}, true],
  ['a page of this host', { Origin: 'https://api.example.com' }, true],
  [
    'a page of this host, by plain http: TLS may end in front of us',
    { Origin: 'http://api.example.com' },
    true,
  ],
  ['a page of this host, with the port that it has anyway', { Origin: 'https://api.example.com:443' }, true],
  ['a page of a host that was named', { Origin: 'https://www.example.com' }, true],
  ['a page of a host that was named, with its port', { Origin: 'http://localhost:5173' }, true],
  ['a page of another port', { Origin: 'https://api.example.com:8443' }, false],
  ['a page of another host', { Origin: 'https://evil.example' }, false],
  ['a page of a host whose name begins like ours', { Origin: 'https://api.example.com.evil.example' }, false],
  ['a page of a host below ours', { Origin: 'https://x.api.example.com' }, false],
  ['a page of a host above ours', { Origin: 'https://example.com' }, false],
  ['a page of no host', { Origin: 'null' }, false],
  ['an extension', { Origin: 'chrome-extension://api.example.com' }, false],
  ['what no browser says', { Origin: 'https://api.example.com, https://evil.example' }, false],
  ['what no browser says', { Origin: 'https://api.example.com@evil.example' }, false],
  ['what no browser says', { Origin: 'api.example.com' }, false],
  ['a navigation', { 'Sec-Fetch-Mode': 'navigate' }, false],
  [
    'a navigation within this host',
    { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'same-origin', Origin: 'https://api.example.com' },
    false,
  ],
  // wx.request of WeChat for Windows, and of its DevTools.
  [
    'WeChat for Windows',
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' },
    true,
  ],
]

test('loginOrigins: with cookies a login from another site gets 403, and WeChat for Windows is no other site', async (t) => {
  const server = await start(t, {
    carrier: CARRIERS.cookie(),
    loginOrigins: ['https://www.example.com', 'localhost:5173'],
  })

  for (const [what, headers, isTaken] of SENT_BY) {
    const code = await newCode(server.wechat.phone())
    const before = server.wechat.exchanges
    const response = await supertest(server.url)
      .post('/login')
      .set({ Host: 'api.example.com', ...headers })
      .send({ code })

    if (isTaken) t.is(response.status, 200, what)
    else isRefused(t, response, 'ERR_BAD_REQUEST', 403)
    t.is(server.wechat.exchanges - before, isTaken ? 1 : 0, what)
    t.is(response.get('Set-Cookie') !== undefined, isTaken, what)
  }
})

test('loginOrigins: behind a trusted proxy, the host is the one that the browser asked', async (t) => {
  const server = await start(t, { carrier: CARRIERS.cookie() })
  const logIn = async () =>
    supertest(server.url)
      .post('/login')
      .set({ 'X-Forwarded-Host': 'www.example.com', Origin: 'https://www.example.com' })
      .send({ code: await newCode(server.wechat.phone()) })

  t.is((await logIn()).status, 403)
  server.app.proxy = true
  t.is((await logIn()).status, 200)
})

for (const carrier of ['code', 'header', 'jwt'] as const) {
  test(`loginOrigins, ${carrier}: nobody sends the credential by themselves, so any site may log in`, async (t) => {
    const server = await start(t, { carrier: CARRIERS[carrier]() })

    for (const [what, headers] of SENT_BY) {
      const login = await supertest(server.url)
        .post('/login')
        .set(headers)
        .send({ code: await newCode(server.wechat.phone()) })
      t.is(login.status, 200, what)
    }
  })
}

test('loginOrigins: a login in headers needs no Origin: no form has our headers, and a script has to ask first', async (t) => {
  const server = await start(t, { carrier: CARRIERS.cookie() })
  const headers = await loginHeaders(server.wechat.phone())

  t.is((await server.send({ ...headers, Origin: 'https://evil.example' })).status, 200)
})

test('loginPath: an error names the field of the body, and not a header', async (t) => {
  const server = await start(t)
  const code = await newCode(server.wechat.phone())

  for (const [field, body] of [
    ['code', {}],
    ['code', { code: { toString: 1 } }],
    ['rawData', { code, rawData: [] }],
    ['signature', { code, rawData: '{}', signature: 7 }],
    ['encryptedData', { code, encryptedData: { toString: 1 }, iv: 'AAAA' }],
    ['iv', { code, encryptedData: 'A'.repeat(64), iv: { length: 50_000_000 } }],
  ] as const) {
    const { status, body: refusal } = await post(server, body)
    t.is(status, 400)
    t.true(refusal.error.message.includes(`\`${field}\``), refusal.error.message)
    t.false(/X-WX|header/i.test(refusal.error.message), refusal.error.message)
  }
})

test('loginOrigins: those that are none are said at start-up, each by name', (t) => {
  for (const [origins, said] of [
    ['https://www.example.com', /loginOrigins must be a list/],
    [['https://www.example.com', 'https://www.example.com/login'], /'https:\/\/www\.example\.com\/login'/],
    [['*'], /'\*'/],
    [['https://*.example.com'], /'https:\/\/\*\.example\.com'/],
    [['null'], /'null'/],
    [[''], /''/],
    [['ftp://example.com'], /'ftp:\/\/example\.com'/],
    [[undefined], /a undefined/],
  ] as const) {
    const options = {
      appId: 'a',
      appSecret: 'b',
      loginPath: '/login',
      loginOrigins: origins as unknown as string[],
    }
    t.throws(() => weappSession(options), { instanceOf: TypeError, message: said })
  }
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
