import test from 'ava'
import supertest from 'supertest'
import { memoryStore } from '../src/index.js'
import { interrupted } from './support/interrupted-store.js'
import { isRefused, startServer, type TestServer, type TestServerOptions } from './support/server.js'
import { CARRIERS, type CarrierName, visitor } from './support/visitor.js'

const start = (t: Parameters<typeof startServer>[0], options: TestServerOptions = {}) =>
  startServer(t, { logoutPath: '/logout', ...options })

const logOut = ({ url }: TestServer, headers: Record<string, string>) =>
  supertest(url).post('/logout').set(headers)

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  test(`logoutPath, ${carrier}: a POST ends the session, on the server too, however often`, async (t) => {
    let handled = 0
    const server = await start(t, {
      carrier: CARRIERS[carrier](),
      handler(ctx) {
        if (ctx.method === 'POST') handled++
        ctx.body = ctx.$wxUserInfo
      },
    })
    const alice = visitor(server, server.wechat.phone('alice'))
    await alice.logIn()
    const other = visitor(server, server.wechat.phone('alice'))
    await other.logIn()

    for (let n = 0; n < 2; n++) {
      const response = await logOut(server, alice.headers)
      t.is(response.status, 200)
      t.deepEqual(response.body, { logout: 'done' })
    }

    isRefused(t, await server.send(alice.headers), 'ERR_SESSION_EXPIRED', 401)
    t.is((await other.get()).status, 200)
    t.is(handled, 0)
    t.is((await alice.logIn()).status, 200)
  })

  test(`logoutPath, ${carrier}: of a rotated session, the old credential does not pretend to log out`, async (t) => {
    if (carrier === 'code') return void t.pass('there is no rotation')
    const server = await start(t, {
      carrier: CARRIERS[carrier](),
      async handler(ctx) {
        if (ctx.path === '/rotate') await ctx.$wxSession?.rotate()
        ctx.body = 'ok'
      },
    })
    const alice = visitor(server, server.wechat.phone('alice'))
    await alice.logIn()
    const old = { ...alice.headers }
    await alice.get('/rotate')

    isRefused(t, await logOut(server, old), 'ERR_SESSION_EXPIRED', 401)
    t.is((await alice.get()).status, 200)
  })
}

test('logoutPath: whoever has no session is logged out already', async (t) => {
  const server = await start(t)

  for (const headers of [{}, { 'X-WX-Code': 'unknown' }])
    t.deepEqual((await logOut(server, headers)).body, { logout: 'done' })
  t.is(server.wechat.calls.length, 0)
})

test('logoutPath: while the store is away, it says so, and the session is there afterwards', async (t) => {
  let isAway = false
  const server = await start(t, { store: interrupted(memoryStore(), () => isAway) })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()

  isAway = true
  isRefused(t, await logOut(server, alice.headers), 'ERR_STORE_UNAVAILABLE', 503)
  isAway = false

  t.is((await alice.get()).status, 200)
  t.is((await logOut(server, alice.headers)).status, 200)
})

test('logoutPath: a page of another site does not log its visitors out', async (t) => {
  const server = await start(t, { carrier: CARRIERS.cookie() })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()

  const response = await logOut(server, { ...alice.headers, Origin: 'https://evil.example' })

  t.is(response.status, 403)
  t.is((await alice.get()).status, 200)
})

test('logoutPath: other methods, and other paths, are the application’s', async (t) => {
  const server = await start(t, {
    handler(ctx) {
      ctx.body = `${ctx.method} ${ctx.path}`
    },
  })

  t.is((await server.send({}, '/logout')).text, 'GET /logout')
  t.is((await supertest(server.url).post('/logout/all')).text, 'POST /logout/all')
})
