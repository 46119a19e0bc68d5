import { once } from 'node:events'
import { connect, createServer as createHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import Router from '@koa/router'
import test from 'ava'
import Koa, { type Context, type Middleware, type Next } from 'koa'
import { codeCarrier, cookieCarrier, requireWxUser, weappSession } from '../../src/index.js'
import { inspector } from '../../src/inspector/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { act, listen, startInspected } from '../support/inspected.js'
import { listen as serve } from '../support/server.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, loginHeaders, namedPhone, newCode, startWechat } from '../support/wechat.js'

test('inspector(): a request is shown with what came, what the middleware did, and what went', async (t) => {
  const { url, wechat, inspect } = await startInspected(t, {
    handlers: [
      (ctx: Context) => {
        inspect.note('a word of the app', 2)
        ctx.body = { user: ctx.$wxUserInfo }
      },
    ],
  })
  const page = await listen(t, url)
  const phone = namedPhone(wechat, '小明')

  await fetch(`${url}/first?page=2`, { headers: await loginHeaders(phone) })
  const { headers, steps, identity, response, signature, isSeen } = await page.request('/first?page=2')

  t.true(isSeen)
  t.deepEqual(
    steps.map(({ kind }) => kind),
    ['store', 'exchange', 'store', 'login', 'identify', 'note', 'handlers'],
  )
  t.like(
    steps.find(({ kind }) => kind === 'identify'),
    { by: 'login', carrier: 'header' },
  )
  t.like(identity, { openId: phone.user.openId, nickName: '小明' })
  t.is(response?.status, 200)
  t.true(signature?.isGood)
  t.like(
    headers.find(({ meaning }) => meaning === 'rawData'),
    { name: 'X-WX-RawData' },
  )
  t.truthy(response?.headers.find(({ meaning }) => meaning === 'session')?.parts)
  for (const { at, ms } of steps) t.true(at >= 0 && ms >= 0 && at + ms <= (response?.ms ?? 0) + 1)
})

test('inspector(): a known session, a forged credential and a route for users each say what they are', async (t) => {
  const router = new Router()
  router.get('/members', requireWxUser() as Middleware, (ctx) => {
    ctx.body = 'hello'
  })
  const { url, wechat } = await startInspected(t, { handlers: [router.routes() as Middleware] })
  const page = await listen(t, url)
  const login = await fetch(url, { headers: await codeLoginHeaders(wechat.phone()) })
  const session = login.headers.get('x-wx-session') ?? ''

  await fetch(`${url}/members`, { headers: { 'X-WX-Session': session } })
  t.like(
    (await page.request('/members')).steps.find(({ kind }) => kind === 'identify'),
    { by: 'session' },
  )

  await fetch(`${url}/members?forged`, { headers: { 'X-WX-Session': `B${session.slice(1)}` } })
  t.like(
    (await page.request('/members?forged')).steps.find(({ kind }) => kind === 'refusal'),
    { reason: 'ERR_SESSION_EXPIRED', status: 401 },
  )

  await fetch(`${url}/members?nobody`)
  const { steps } = await page.request('/members?nobody')
  t.like(
    steps.find(({ kind }) => kind === 'identify'),
    { by: 'nothing' },
  )
  t.like(
    steps.find(({ kind }) => kind === 'refusal'),
    { reason: 'ERR_LOGIN_REQUIRED' },
  )
})

test('inspector(): tampered rawData is shown beside what WeChat has signed', async (t) => {
  const { url, wechat } = await startInspected(t)
  const page = await listen(t, url)
  const phone = namedPhone(wechat, '小明')
  const tampered = async () => {
    const headers = await loginHeaders(phone)
    const rawData = decodeURIComponent(headers['X-WX-RawData'] ?? '').replace('小明', '管理员')
    return { ...headers, 'X-WX-RawData': encodeURIComponent(rawData) }
  }

  // Nobody knows the user yet: there is nothing to compare with.
  t.is((await fetch(`${url}/early`, { headers: await tampered() })).status, 401)
  t.deepEqual((await page.request('/early')).signature?.differences, undefined)

  await fetch(url, { headers: await loginHeaders(phone) })
  await fetch(`${url}/late`, { headers: await tampered() })
  const { signature } = await page.request('/late')

  t.false(signature?.isGood)
  t.is(signature?.against, 'signed')
  t.deepEqual(signature?.differences, [['nickName', '小明', '管理员']])
  t.not(signature?.given, signature?.expected)
})

test('inspector(): each credential is taken apart, and cut', async (t) => {
  const keys = 'k'.repeat(32)
  for (const [carrier, meaning, parts] of [
    [codeCarrier(), 'code', undefined],
    [cookieCarrier({ keys, secure: false }), 'cookie', ['wx-session: id', 'wx-session: signature']],
    [jwtCarrier({ keys }), 'token', ['alg', 'sub', 'jti', 'exp']],
  ] as const) {
    const { url, wechat } = await startInspected(t, { session: { carrier } })
    const page = await listen(t, url)
    const headers = await codeLoginHeaders(wechat.phone())
    const answer = await fetch(`${url}/login`, { headers })
    const { headers: sent, response } = await page.request('/login')

    const all = [...sent, ...(response?.headers ?? [])]
    const found = all.findLast((header) => header.meaning === meaning)
    for (const part of parts ?? [])
      t.true(
        found?.parts?.some(([name]) => name === part),
        part,
      )
    for (const secret of [
      headers['X-WX-Code'],
      answer.headers.get('x-wx-token'),
      answer.headers.get('set-cookie')?.split(/[=;]/)[1],
    ])
      if (secret) t.false(page.text().includes(secret), carrier.kind)
  }
})

test('inspector(): a body is shown and left to whoever reads it, before or after', async (t) => {
  const read: Middleware = async (ctx, next) => {
    const raw = await text(ctx.req)
    Object.assign(ctx.request, { rawBody: raw, body: JSON.parse(raw || '{}') })
    await next()
  }
  const answer: Middleware = (ctx) => {
    ctx.body = (ctx.request as { body?: unknown }).body
  }
  for (const options of [{ handlers: [read, answer] }, { before: [read], handlers: [answer] }]) {
    const { url } = await startInspected(t, options)
    const page = await listen(t, url)
    const sent = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"name":"x"}' }
    const got = await (await fetch(`${url}/body`, sent)).json()

    t.deepEqual(got, { name: 'x' })
    const { body, response, canReplay } = await page.request('/body')
    t.is(body?.text, '{"name":"x"}')
    t.is(response?.body?.text, '{"name":"x"}')
    t.true(canReplay)
    // Its own actions have a body too.
    t.is((await act(url, 'clear')).status, 200)
  }
})

test('inspector(): loginPath, whose body has the code, is a login like others', async (t) => {
  const { url, wechat } = await startInspected(t, { session: { loginPath: '/login' } })
  const page = await listen(t, url)
  const code = await newCode(wechat.phone())
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  const { session } = (await answer.json()) as { session: string }

  const { steps, body, response } = await page.request('/login')
  t.like(
    steps.find(({ kind }) => kind === 'identify'),
    { by: 'login' },
  )
  t.false(body?.text.includes(code))
  t.false(response?.body?.text.includes(session))
})

test('inspector(): an app below a prefix has its page there', async (t) => {
  const inside = new Koa()
  const inspect = inspector()
  t.teardown(() => inspect.close())
  inside.use(inspect)
  inside.use((ctx) => {
    ctx.body = 'inside'
  })
  const outside = new Koa()
  // As koa-mount does.
  outside.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/api/')) return next()
    const before = ctx.path
    ctx.path = before.slice(4)
    const [first, second] = inside.middleware as [Middleware, Middleware]
    await first(ctx, async () => second(ctx, next))
    ctx.path = before
  })
  const url = await serve(t, outside)
  const page = await listen(t, `${url}/api`)
  await fetch(`${url}/api/x`)
  await until(() => page.requests().length > 0)
  t.is(page.requests()[0]?.path, '/api/x')
  t.is((await act(`${url}/api`, 'clear')).status, 200)
})

test('inspector(): fifty requests at once are told apart', async (t) => {
  const { url, wechat } = await startInspected(t)
  const page = await listen(t, url)
  const phones = Array.from({ length: 50 }, (_, i) => namedPhone(wechat, `user ${i}`))
  const logins = await Promise.all(phones.map(loginHeaders))

  await Promise.all(logins.map((headers, i) => fetch(`${url}/${i}`, { headers })))
  await until(() => page.requests().filter(({ response }) => response).length === 50)

  for (const { path, identity, steps } of page.requests()) {
    t.is(identity?.nickName, `user ${path.slice(1)}`)
    t.is(steps.filter(({ kind }) => kind === 'exchange').length, 1)
  }
})

test('inspector(): over HTTP/2 it is the same', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch: reach } = wechat
  const app = new Koa()
  const inspect = inspector()
  t.teardown(() => inspect.close())
  app.use(inspect)
  app.use(weappSession({ appId, appSecret, wechat: { fetch: reach } }))
  app.use(async (ctx: Context) => {
    ctx.body = { user: ctx.$wxUserInfo, body: await text(ctx.req) }
  })
  const server = createHttp2(app.callback() as never)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(`http://127.0.0.1:${port}`)
  t.teardown(() => client.destroy())
  const ask = async (path: string, headers: Record<string, string>, body?: string) => {
    const stream = client.request({ ':path': path, ':method': body ? 'POST' : 'GET', ...headers })
    const answered = once(stream, 'response')
    stream.end(body)
    const [head] = (await answered) as [{ ':status'?: number }]
    return { status: head[':status'], text: await text(stream) }
  }
  const headers = Object.fromEntries(
    Object.entries(await loginHeaders(namedPhone(wechat, '小明'))).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  )
  t.is((await ask('/a', headers, 'hello')).status, 200)

  const json = { 'content-type': 'application/json' }
  t.is((await ask('/__weapp/replay', json, '{"id":1}')).text, '{}')
  const events = client.request({ ':path': '/__weapp/events' })
  let told = ''
  events.setEncoding('utf8').on('data', (chunk: string) => {
    told += chunk
  })
  await until(() => told.includes('"replayOf":{"id":1,"change":"none"}'))
  t.regex(told, /"http":"HTTP\/2.0"/)
  t.regex(told, /"text":"hello"/)
  t.regex(told, /"by":"login"/)

  // The streams do not keep the server.
  const closed = once(server, 'close')
  server.close()
  await closed
})

test('inspector(): a client that leaves, a stream, an error of a handler and an answer by hand are all shown', async (t) => {
  const { url } = await startInspected(t, {
    handlers: [
      async (ctx: Context, next: Next) => {
        if (ctx.path === '/throws') throw new Error('a mistake of the app')
        if (ctx.path === '/slow') return void (await new Promise((resolve) => ctx.res.once('close', resolve)))
        if (ctx.path === '/hand') {
          ctx.respond = false
          ctx.res.writeHead(201, { 'X-Own': 'yes' })
          ctx.res.end(Buffer.from([0, 1, 2, 255]))
          return
        }
        await next()
      },
    ],
  })
  const page = await listen(t, url)

  await fetch(`${url}/throws`)
  t.is((await page.request('/throws')).response?.status, 500)

  await fetch(`${url}/hand`)
  const { response } = await page.request('/hand')
  t.is(response?.status, 201)
  t.is(response?.body?.hidden, 'binary')
  t.true(response?.headers.some(({ name, value }) => name === 'X-Own' && value === 'yes'))

  const abort = new AbortController()
  const gone = fetch(`${url}/slow`, { signal: abort.signal })
  await until(() => page.requests().some(({ path }) => path === '/slow'))
  abort.abort()
  t.is(await gone.catch(({ name }: Error) => name), 'AbortError')
  t.true((await page.request('/slow')).response?.isAborted)
})
