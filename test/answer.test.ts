/** What the answer to a login, or to a change of credentials, says in its headers, whoever writes them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import Koa, { type Context, type Next } from 'koa'
import supertest, { type Response as Answer } from 'supertest'
import { cookieCarrier, headerCarrier, memoryStore, requireWxUser, weappSession } from '../src/index.js'
import { isKoa3, isRefused, listen, listenTo, startServer } from './support/server.js'
import { until } from './support/until.js'
import { CARRIERS, type CarrierName, KEY, kept } from './support/visitor.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

const NAMES = Object.keys(CARRIERS) as CarrierName[]

/** Ways to answer. Koa's error handler removes every header; the others bring their own, or write them by themselves. */
const HANDLERS: Record<string, (ctx: Context) => unknown> = {
  '200': (ctx) => {
    ctx.body = 'ok'
  },
  'a throw': () => {
    throw new Error('of the handler')
  },
  'ctx.throw(404)': (ctx) => ctx.throw(404),
  'a redirect': (ctx) => ctx.redirect('/elsewhere'),
  'a stream': (ctx) => {
    ctx.body = Readable.from(['a', 'b'])
  },
  '304': (ctx) => {
    ctx.status = 304
  },
  'ctx.respond = false': (ctx) => {
    ctx.respond = false
    ctx.res.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'public' })
    ctx.res.end('ok')
  },
  'flushed headers': (ctx) => {
    ctx.status = 200
    ctx.flushHeaders()
    ctx.body = 'ok'
  },
  'Set-Cookie of the handler': (ctx) => {
    ctx.set('Set-Cookie', ['theme=dark; path=/', 'lang=zh'])
    ctx.body = 'ok'
  },
  'a fetch Response': (ctx) => {
    ctx.body = new Response('ok', { headers: { 'Set-Cookie': 'upstream=1', 'Cache-Control': 'public' } })
  },
}

for (const name of NAMES) {
  for (const [how, handler] of Object.entries(HANDLERS)) {
    test(`Weapp-Login: accepted (${name}, answered by ${how}): the word, the credential and no-store`, async (t) => {
      const server = await startServer(t, { carrier: CARRIERS[name](), handler: serve(handler) })

      for (const prefix of ['Weapp-', 'X-WX-']) {
        const login = await server.send(await inFamily(server.wechat.phone('alice'), prefix), '/handler')

        t.is(login.get(`${prefix}Login`), 'accepted')
        t.is(login.get(prefix === 'Weapp-' ? 'X-WX-Login' : 'Weapp-Login'), undefined)
        t.is(login.get('Cache-Control'), 'no-store')
        if (name === 'code') continue
        const credential = credentialIn(login)
        t.is((await server.send(credential)).body.user?.openId, server.wechat.user('alice').openId)
      }
    })
  }
}

test('Weapp-Login: accepted: the handler’s own cookies are there as it set them', async (t) => {
  for (const [how, own] of [
    ['Set-Cookie of the handler', ['theme=dark; path=/', 'lang=zh']],
    // A Response as the body is of Koa 3.
    ...(isKoa3() ? ([['a fetch Response', ['upstream=1']]] as const) : []),
  ] as const) {
    const handler = HANDLERS[how] as (ctx: Context) => unknown
    const server = await startServer(t, { carrier: CARRIERS.cookie(), handler: serve(handler) })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone()), '/handler')
    for (const cookie of own) t.true(login.get('Set-Cookie')?.includes(cookie), cookie)
  }
})

test('Weapp-Login: a refused login, a session and a guest are answered without it', async (t) => {
  const server = await startServer(t, { carrier: CARRIERS.header() })
  const refused = await server.send({ 'Weapp-Code': 'made-up', 'Weapp-Login': 'code' })
  isRefused(t, refused, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401, 'Weapp-')
  const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
  for (const answer of [refused, await server.send(kept(login)), await server.send()]) {
    t.is(answer.get('Weapp-Login'), undefined)
    t.is(answer.get('X-WX-Login'), undefined)
  }
})

test('Weapp-Login: accepted: an error handler before ours that removes all headers loses nothing', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new Koa()
  app.use(async (ctx: Context, next: Next) => {
    try {
      await next()
    } catch {
      for (const name of ctx.res.getHeaderNames()) ctx.res.removeHeader(name)
      ctx.status = 500
      ctx.set('Cache-Control', 'public, max-age=60')
      ctx.body = { error: 'ours' }
    }
  })
  app.use(weappSession({ appId, appSecret, wechat: { fetch }, carrier: CARRIERS.cookie() }))
  app.use(() => {
    throw new Error('of the handler')
  })
  const url = await listen(t, app)

  const login = await supertest(url)
    .get('/')
    .set(await codeLoginHeaders(wechat.phone()))

  t.is(login.status, 500)
  t.is(login.get('X-WX-Login'), 'accepted')
  t.is(login.get('Cache-Control'), 'no-store')
  t.regex(String(login.get('Set-Cookie')), /^__Host-wx-session=\S+; Max-Age=/)
})

test('Weapp-Login: accepted: over HTTP/2 too', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new Koa()
  app.silent = true
  app.use(weappSession({ appId, appSecret, wechat: { fetch }, carrier: CARRIERS.header() }))
  app.use((ctx) => {
    if (ctx.path === '/throw') ctx.throw(404)
    ctx.body = Readable.from(['a'])
  })
  const server = createHttp2Server(app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => {
    client.destroy()
    server.close()
  })

  for (const path of ['/', '/throw']) {
    const login = await codeLoginHeaders(wechat.phone())
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      const stream = client.request({ ':path': path, ...login })
      stream.on('response', resolve).on('error', reject).resume()
      stream.end()
    })
    t.is(headers['x-wx-login'], 'accepted')
    t.truthy(headers['x-wx-session'])
  }
})

test('rotate(): after the headers it rejects, nothing has changed, and the answer ends', async (t) => {
  for (const name of ['header', 'cookie', 'jwt'] as const) {
    let error: unknown
    const server = await startServer(t, {
      carrier: CARRIERS[name](),
      handler: async (ctx) => {
        if (ctx.path === '/late') {
          ctx.status = 200
          ctx.flushHeaders()
          await ctx.$wxSession?.rotate().catch((reason) => {
            error = reason
          })
        }
        ctx.body = { user: ctx.$wxUserInfo }
      },
    })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
    const late = await server.send(kept(login), '/late')

    t.is((error as { reason?: string }).reason, 'ERR_SESSION_CONFLICT', name)
    t.deepEqual(kept(late), {})
    t.is((await server.send(kept(login))).body.user.openId, server.wechat.user('alice').openId)
  }
})

test('rotate(): the new credential is in the answer of a handler that throws afterwards', async (t) => {
  for (const name of ['header', 'cookie', 'jwt'] as const) {
    const server = await startServer(t, {
      carrier: CARRIERS[name](),
      handler: async (ctx) => {
        if (ctx.path === '/rotate') {
          await ctx.$wxSession?.rotate()
          ctx.throw(422)
        }
        ctx.body = { user: ctx.$wxUserInfo }
      },
    })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
    const rotated = await server.send(kept(login), '/rotate')

    t.is(rotated.status, 422)
    t.is((await server.send(kept(rotated))).body.user?.openId, server.wechat.user('alice').openId)
    isRefused(t, await server.send(kept(login)), 'ERR_SESSION_EXPIRED', 401)
  }
})

test('rotate(): headers that are sent while it is under way leave the old credential good', async (t) => {
  const inner = memoryStore()
  let flush = () => {}
  const store = {
    ...inner,
    // The last moment at which nothing is decided yet.
    create: async (session: Parameters<typeof inner.create>[0]) => {
      const isCreated = await inner.create(session)
      flush()
      return isCreated
    },
  }
  const errors: unknown[] = []
  const server = await startServer(t, {
    store,
    carrier: CARRIERS.header(),
    handler: async (ctx) => {
      ctx.body = { user: ctx.$wxUserInfo }
      if (ctx.path !== '/race') return
      flush = () => {
        ctx.status = 200
        ctx.flushHeaders()
      }
      await ctx.$wxSession?.rotate().catch((error) => errors.push(error))
    },
  })
  const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
  flush = () => {}

  const race = await server.send(kept(login), '/race')

  t.deepEqual(kept(race), {})
  t.is(errors.length, 1)
  t.is((await server.send(kept(login))).body.user?.openId, server.wechat.user('alice').openId)
})

test('$wxSession.data: a guest’s first write after the headers begins no session, and somebody hears of it', async (t) => {
  const server = await startServer(t, {
    carrier: headerCarrier({ keys: KEY, anonymous: true }),
    handler: (ctx) => {
      ctx.status = 200
      ctx.flushHeaders()
      if (ctx.$wxSession) ctx.$wxSession.data.cart = ['tea']
      ctx.body = 'ok'
    },
  })
  const errors: Error[] = []
  server.app.on('error', (error) => errors.push(error))

  const answer = await server.send()

  t.is(answer.text, 'ok')
  t.deepEqual(kept(answer), {})
  t.is(errors.length, 1)
  t.regex(errors[0]?.message ?? '', /the client was not told/)
})

test('$wxSession.data: what cannot be saved after the headers goes to app.on(error), and the answer ends', async (t) => {
  const server = await startServer(t, {
    carrier: CARRIERS.header(),
    handler: async (ctx) => {
      if (ctx.path === '/late') {
        ctx.status = 200
        ctx.flushHeaders()
        if (ctx.$wxSession) ctx.$wxSession.data.late = 1n as never
      }
      ctx.body = 'ok'
    },
  })
  const errors: Error[] = []
  server.app.on('error', (error) => errors.push(error))
  const login = await server.send(await codeLoginHeaders(server.wechat.phone()))

  const late = await server.send(kept(login), '/late')

  t.is(late.text, 'ok')
  t.is(errors.length, 1)
})

test('destroy(): after the headers it ends the session and resolves', async (t) => {
  const server = await startServer(t, {
    carrier: CARRIERS.cookie(),
    handler: async (ctx) => {
      if (ctx.path === '/logout') {
        ctx.status = 200
        ctx.flushHeaders()
        await ctx.$wxSession?.destroy()
      }
      ctx.body = { user: ctx.$wxUserInfo }
    },
  })
  const errors: Error[] = []
  server.app.on('error', (error) => errors.push(error))
  const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
  t.is((await server.send(kept(login), '/logout')).status, 200)

  const dead = await server.send(kept(login))
  isRefused(t, dead, 'ERR_SESSION_EXPIRED', 401)
  t.regex(String(dead.get('Set-Cookie')), /^__Host-wx-session=; Max-Age=0/, 'taken back now')
  t.deepEqual(errors, [])
})

test('destroy(): a handler that throws afterwards takes the cookie back all the same', async (t) => {
  const server = await startServer(t, {
    carrier: CARRIERS.cookie(),
    handler: async (ctx) => {
      if (ctx.path === '/close') {
        await ctx.$wxSession?.destroy()
        ctx.throw(410)
      }
      ctx.body = 'ok'
    },
  })
  const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
  const closed = await server.send(kept(login), '/close')
  t.is(closed.status, 410)
  t.regex(String(closed.get('Set-Cookie')), /^__Host-wx-session=; Max-Age=0/)
})

test('Set-Cookie: a cookie that was replaced a moment ago is refused, and the newer one is left alone', async (t) => {
  const server = await startServer(t, {
    carrier: cookieCarrier({ keys: KEY, anonymous: true }),
    handler: async (ctx) => {
      if (ctx.path === '/put' && ctx.$wxSession) ctx.$wxSession.data.cart = ['tea']
      if (ctx.path === '/rotate') await ctx.$wxSession?.rotate()
      ctx.body = { user: ctx.$wxUserInfo, data: ctx.$wxSession?.data }
    },
  })
  const guest = kept(await server.send({}, '/put'))
  const user = kept(
    await server.send({ ...guest, ...(await codeLoginHeaders(server.wechat.phone('alice'))) }),
  )
  const rotated = kept(await server.send(user, '/rotate'))

  // Requests of the same browser that were under way: their answers arrive after the newer cookie.
  for (const old of [guest, user]) {
    const late = await server.send(old, '/put')
    isRefused(t, late, 'ERR_SESSION_EXPIRED', 401)
    t.is(late.get('Set-Cookie'), undefined)
  }
  t.is((await server.send(rotated)).body.user?.openId, server.wechat.user('alice').openId)

  await server.session.revoke(server.wechat.user('alice').openId)
  for (const dead of [guest, user, rotated])
    t.regex(String((await server.send(dead)).get('Set-Cookie')), /^__Host-wx-session=; Max-Age=0/)
})

test('requireWxUser(): a preflight is answered with 204, and no handler is called', async (t) => {
  let calls = 0
  const app = new Koa()
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  app.use(weappSession({ appId, appSecret, wechat: { fetch }, carrier: CARRIERS.header() }))
  app.use(requireWxUser())
  app.use((ctx) => {
    calls++
    ctx.body = 'ok'
  })
  const url = await listen(t, app)
  const preflight = await supertest(url).options('/').set({
    Origin: 'https://www.example.com',
    'Access-Control-Request-Method': 'POST',
    'Weapp-Session': 'dead',
  })
  t.is(preflight.status, 204)
  const plain = await supertest(url).options('/')
  t.is(plain.status, 401)
  for (const prefix of ['Weapp-', 'X-WX-'])
    t.is(
      plain.get(`${prefix}Session-Error`),
      'ERR_LOGIN_REQUIRED',
      'who has no credential is told in both families',
    )
  t.is(calls, 0)
})

test('weappSession(): HEAD is a request like any other', async (t) => {
  const server = await startServer(t, { carrier: CARRIERS.header() })
  const login = await supertest(server.url)
    .head('/')
    .set(await codeLoginHeaders(server.wechat.phone()))
  t.is(login.get('X-WX-Login'), 'accepted')
  t.is((await server.send(kept(login))).status, 200)
  const refused = await supertest(server.url).head('/').set({ 'X-WX-Session': 'dead' })
  t.is(refused.status, 401)
  t.is(refused.get('X-WX-Session-Error'), 'ERR_SESSION_EXPIRED')
})

test('X-WX-Code: alone at a server that issues credentials it is ERR_SESSION_EXPIRED, never a guest', async (t) => {
  for (const carrier of [
    headerCarrier({ keys: KEY }),
    headerCarrier({ keys: KEY, anonymous: true }),
    cookieCarrier({ keys: KEY }),
    cookieCarrier({ keys: KEY, anonymous: true }),
    CARRIERS.jwt(),
  ]) {
    const server = await startServer(t, { carrier })
    isRefused(t, await server.send({ 'X-WX-Code': 'a-code' }), 'ERR_SESSION_EXPIRED', 401)
    isRefused(t, await server.send({ 'Weapp-Code': 'a-code' }), 'ERR_SESSION_EXPIRED', 401, 'Weapp-')
  }
})

test('Set-Cookie: an answer that is never written promises nothing, and hangs nobody', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new Koa()
  app.use(weappSession({ appId, appSecret, wechat: { fetch }, carrier: CARRIERS.cookie() }))
  app.use(async (ctx) => {
    ctx.respond = false
    await sleep(10)
    ctx.res.destroy()
  })
  const url = await listenTo(t, createServer(app.callback()))
  await t.throwsAsync(async () =>
    supertest(url)
      .get('/')
      .set(await codeLoginHeaders(wechat.phone())),
  )
})

function serve(handler: (ctx: Context) => unknown): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    if (ctx.path === '/handler') await handler(ctx)
    else ctx.body = { user: ctx.$wxUserInfo }
  }
}

async function inFamily(
  phone: Parameters<typeof codeLoginHeaders>[0],
  prefix: string,
): Promise<Record<string, string>> {
  const headers = await codeLoginHeaders(phone)
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace('X-WX-', prefix), value]),
  )
}

function credentialIn(response: Answer): Record<string, string> {
  const session = response.get('Weapp-Session')
  const token = response.get('Weapp-Token')
  const cookie = response.get('Set-Cookie')?.find((line) => line.startsWith('__Host-wx-session='))
  return {
    ...kept(response),
    ...(session && { 'Weapp-Session': session }),
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(cookie && { Cookie: cookie.split(';')[0] as string }),
  }
}

test('Weapp-Login: accepted: an answer whose headers cannot be written the first time says it the second time', async (t) => {
  const server = await startServer(t, {
    carrier: CARRIERS.header(),
    handler: async (ctx) => {
      if (ctx.path === '/rotate') await ctx.$wxSession?.rotate()
      ctx.status = 200
      // No header may have these characters, so Koa answers with an error of its own.
      ctx.message = ctx.path === '/who' ? 'OK' : '成功'
      ctx.body = { user: ctx.$wxUserInfo }
    },
  })
  const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
  t.is(login.status, 500)
  t.is(login.get('X-WX-Login'), 'accepted')
  t.is(login.get('Cache-Control'), 'no-store')
  const rotated = await server.send(kept(login), '/rotate')
  t.is((await server.send(kept(rotated), '/who')).body.user?.openId, server.wechat.user('alice').openId)
})

test('Weapp-Login: accepted: what a handler gives to writeHead() arrives, in each of its forms', async (t) => {
  const forms: Record<string, unknown[]> = {
    '/object': [200, { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] }],
    '/reason': [200, 'Fine', { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] }],
    '/undefined': [200, undefined, { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] }],
    '/flat': [200, ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']],
  }
  const server = await startServer(t, {
    carrier: CARRIERS.cookie(),
    handler: (ctx) => {
      ctx.respond = false
      Reflect.apply(ctx.res.writeHead, ctx.res, forms[ctx.path] as unknown[])
      ctx.res.end('ok')
    },
  })
  for (const path of Object.keys(forms)) {
    const login = await server.send(await codeLoginHeaders(server.wechat.phone()), path)
    t.is(login.status, 200)
    t.is(login.get('Content-Type'), 'text/plain', path)
    t.deepEqual(login.get('Set-Cookie')?.slice(0, 2), ['a=1', 'b=2'], path)
    t.regex(login.get('Set-Cookie')?.[2] ?? '', /^__Host-wx-session=/, path)
  }
})

test('Set-Cookie: after another login, the cookie of the session before takes nothing back', async (t) => {
  const server = await startServer(t, { carrier: CARRIERS.cookie() })
  for (const name of ['alice', 'bob']) {
    const before = kept(await server.send(await codeLoginHeaders(server.wechat.phone('alice'))))
    const login = await server.send({ ...before, ...(await codeLoginHeaders(server.wechat.phone(name))) })
    const late = await server.send(before)
    isRefused(t, late, 'ERR_SESSION_EXPIRED', 401)
    t.is(late.get('Set-Cookie'), undefined)
    t.is((await server.send(kept(login))).body.user.openId, server.wechat.user(name).openId)
  }
})

test('rotate(): a client of HTTP/2 that is gone keeps the credential that it has', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new Koa()
  app.silent = true
  app.use(weappSession({ appId, appSecret, wechat: { fetch }, carrier: CARRIERS.header() }))
  let refused: unknown
  app.use(async (ctx) => {
    if (ctx.path === '/slow') {
      await once(ctx.req, 'close')
      await ctx.$wxSession?.rotate().catch((error) => {
        refused = error
      })
    }
    ctx.body = { user: ctx.$wxUserInfo }
  })
  const http2 = createHttp2Server(app.callback())
  http2.listen(0, '127.0.0.1')
  await once(http2, 'listening')
  const client = connect(`http://127.0.0.1:${(http2.address() as AddressInfo).port}`)
  t.teardown(() => {
    client.destroy()
    http2.close()
  })
  const ask = async (path: string, headers: Record<string, string>) => {
    const stream = client.request({ ':path': path, ...headers })
    const [answer] = (await once(stream, 'response')) as [Record<string, string>]
    stream.resume()
    return answer
  }
  const login = await ask('/', await codeLoginHeaders(wechat.phone('alice')))
  const session = { 'x-wx-session': login['x-wx-session'] as string }
  const slow = client.request({ ':path': '/slow', ...session })
  slow.on('error', () => {})
  await sleep(50)
  slow.close(8)
  await until(() => refused !== undefined)
  t.is((refused as { reason: string }).reason, 'ERR_SESSION_CONFLICT')
  t.is(Number((await ask('/', session))[':status']), 200)
})
