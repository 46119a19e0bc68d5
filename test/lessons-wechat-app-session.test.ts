/**
 * How wechat-app-session broke, where the server makes the credential. What was seen there stands above each test,
 * after its row (B) in the list of lessons.
 *
 * Without a test: B8 asks for `Vary`, which `no-store` makes pointless.
 */
import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import { type Carrier, cookieCarrier, headerCarrier, requireWxUser, weappSession } from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'
import {
  ALL,
  ANONYMOUS,
  APP,
  asCredential,
  CARRIERS,
  credentialOf,
  forEach,
  isOver,
  isRefusedBody,
  makeGate,
  type Name,
  PATIENT,
  start,
  startCounting,
} from './support/lessons.js'
import { isRefused, startServer } from './support/server.js'
import { until } from './support/until.js'
import { KEY, kept, visitor } from './support/visitor.js'
import { codeLoginHeaders } from './support/wechat.js'

// B1: While the store failed to save, the response never ended.
forEach(ALL, 'ERR_STORE_UNAVAILABLE: where the store cannot save, 503 at once', async (t, name) => {
  const { alice, store } = await start(t, name)

  store.fail('update')
  isRefused(t, await alice.get('/put?one=1'), 'ERR_STORE_UNAVAILABLE', 503)
  store.fail('end')
  const logout = await alice.get('/logout')

  t.is(logout.status, 503)
  t.is(logout.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
  t.deepEqual((await alice.get()).body.data, {}, 'and nothing was half done')
})

// B2: One failed read made the user anonymous and gave them a new id: logged out for good by a blip.
forEach(ALL, 'ERR_STORE_UNAVAILABLE: a read error gives nobody a new identity', async (t, name) => {
  const { alice, store } = await start(t, name)
  await alice.get('/put?one=1')
  const before = alice.headers

  store.fail('read')
  const response = await alice.get()

  t.is(response.status, 503)
  t.is(response.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
  t.is(response.get('Retry-After'), '1')
  t.deepEqual(kept(response), {})
  t.is(response.get('Set-Cookie'), undefined)
  t.deepEqual(alice.headers, before)
  t.deepEqual((await alice.get()).body.data, { one: '1' })
})

// B2.
for (const name of ANONYMOUS) {
  test(`ERR_STORE_UNAVAILABLE: a read error during a login keeps what the guest has (${name})`, async (t) => {
    const { server, store } = await start(t, name)
    const guest = visitor(server, server.wechat.phone('bob'))
    await guest.get('/put?cart=milk')
    const login = await codeLoginHeaders(server.wechat.phone('bob'))

    store.fail('read')
    const refused = await server.send({ ...guest.headers, ...login })

    isRefused(t, refused, 'ERR_STORE_UNAVAILABLE', 503)
    t.deepEqual(kept(refused), {})
    const again = await server.send({ ...guest.headers, ...login })
    t.deepEqual(again.body.data, { cart: 'milk' }, 'the code was not spent, and the login brings the data')
  })
}

async function checkBlipWhileRotating(t: ExecutionContext, name: Name): Promise<void> {
  const { alice, store } = await start(t, name)
  await alice.get('/put?one=1')

  for (const step of ['claim', 'create'] as const) {
    store.fail(step)
    t.is((await alice.get('/rotate')).status, 503, step)

    t.is((await alice.get('/who')).status, 200, step)
    t.deepEqual((await alice.get()).body.data, { one: '1' }, step)
  }

  // Its answer is asked for again.
  store.fail('take')
  t.is((await alice.get('/rotate')).status, 200)
  t.deepEqual((await alice.get()).body.data, { one: '1' })
}

// B2.
forEach(ALL, 'rotate(): a blip while the credential is changed logs nobody out', checkBlipWhileRotating)

// B2.
forEach(ALL, 'rotate(): a blip after the credential was changed logs nobody out', async (t, name) => {
  const { alice, store } = await start(t, name)
  await alice.get('/put?one=1')

  store.fail('update')
  isRefused(t, await alice.get('/rotate?two=2'), 'ERR_STORE_UNAVAILABLE', 503)

  t.deepEqual((await alice.get()).body.data, { one: '1' })
})

// B2: Koa's answer to an error has no headers but those of the error: a new credential could not be given.
forEach(
  ALL,
  'rotate(): a handler that fails after the credential was changed logs nobody out',
  async (t, name) => {
    const { alice } = await start(t, name)
    await alice.get('/put?one=1')

    t.is((await alice.get('/rotate?fail=yes')).status, 500)

    t.deepEqual((await alice.get()).body.data, { one: '1' })
  },
)

// B3: 100 GETs without a header left 100 sessions in the store.
forEach(ALL, 'anonymous: 100 GETs without a credential leave nothing', async (t, name) => {
  const { server, store } = await startCounting(t, name)

  const responses = await Promise.all(Array.from({ length: 100 }, () => server.send()))

  t.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]))
  for (const response of responses) t.deepEqual(kept(response), {})
  t.deepEqual(store.calls(), {})
  const isAnonymous = name.endsWith('anonymous')
  t.is(responses[0]?.body.hasSession, isAnonymous, 'where there are guests, their data was looked at')
})

// B4: Every request saved the session: of two parallel changes one was lost, and a logout was undone.
forEach(ALL, 'data: a request that only reads it does not write', async (t, name) => {
  const { server, store } = await startCounting(t, name)
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()
  const before = store.calls()

  for (let n = 0; n < 10; n++) t.is((await alice.get()).status, 200)

  const { read: _, ...writes } = store.calls()
  const { read: __, ...writesBefore } = before
  t.deepEqual(writes, writesBefore)
})

// B4.
forEach(ALL, 'destroy(): a request that is under way during a logout revives nothing', async (t, name) => {
  for (const path of ['/?wait=1', '/put?wait=1&late=yes']) {
    const gate = makeGate()
    const { server, alice } = await start(t, name, { gate })
    const { headers } = alice

    const slow = server.send(headers, path)
    await until(() => gate.waiting === 1)
    t.is((await server.send(headers, '/logout')).status, 200)
    gate.open()
    const late = await slow

    t.is(late.status, path.startsWith('/put') ? 409 : 200)
    t.deepEqual(kept(late), {})
    isOver(t, await server.send(headers), name)
  }
})

// B5: After regenerate() the header had the old id, and the new one was not stored: the user was logged out.
forEach(ALL, 'rotate(): the new id is sent and works, and nothing of the old is sent', async (t, name) => {
  const { server, alice } = await start(t, name)
  const old = credentialOf(alice.headers)

  const response = await alice.get('/rotate')

  t.not(credentialOf(kept(response)), '')
  // All tokens begin in the same way.
  for (const part of old.split('.').slice(name === 'jwt' ? 1 : 0))
    t.false(JSON.stringify(response.headers).includes(part))
  t.is((await alice.get()).status, 200)
  isRefused(
    t,
    await server.send({ ...kept(response), ...asCredential(name, old) }),
    'ERR_SESSION_EXPIRED',
    401,
  )
})

// B5.
forEach(ALL, 'onLogin: a rotation during the login sends one id, the one that lives', async (t, name) => {
  const { server } = await start(t, name)

  const response = await server.send(await codeLoginHeaders(server.wechat.phone('alice')), '/rotate')

  t.is(response.status, 200)
  t.true((response.get('Set-Cookie') ?? []).length <= 1)
  t.is((await server.send(kept(response))).status, 200)
})

// B5.
forEach(ALL, 'onLogin: a session that ends during its login leaves no credential', async (t, name) => {
  const { server } = await start(t, name)

  const response = await server.send(await codeLoginHeaders(server.wechat.phone('alice')), '/logout')

  t.is(response.status, 200)
  t.is(response.get('X-WX-Session'), undefined)
  t.is(response.get('X-WX-Token'), undefined)
  for (const cookie of response.get('Set-Cookie') ?? []) t.regex(cookie, /^__Host-wx-session=; Max-Age=0;/)
})

// B6: When the store said that it was disconnected, handlers were called without any session, and failed.
forEach(
  ALL,
  'ERR_STORE_UNAVAILABLE: after a disconnect event 503, and handlers are not called with half a session',
  async (t, name) => {
    const { server, alice, store } = await start(t, name)
    const calls = server.calls()

    store.isAway = true
    const during = await alice.get()
    const nobody = await server.send()
    store.isAway = false

    t.is(during.status, 503)
    t.is(during.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
    t.is(nobody.status, 200, 'who has no session needs no store')
    // A token speaks for itself: its handler runs, and learns of the outage when it asks for the data.
    t.is(server.calls() - calls, name === 'jwt' ? 2 : 1)
    t.is((await alice.get()).status, 200)
  },
)

// B7: The default name was one that nginx drops: every request was a new session.
test.serial(
  'headerCarrier({ name }): a warning at start for names that nginx drops, and for no others',
  async (t) => {
    const warnings: (Error & { code?: string })[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    t.teardown(() => process.off('warning', note))

    for (const name of ['X-WX-Session', 'Session', 'x-1'])
      weappSession({ ...APP, carrier: headerCarrier({ keys: KEY, name }) })
    await new Promise(setImmediate)
    t.deepEqual(
      warnings.filter(({ code }) => code === 'WEAPP_HEADER_NAME'),
      [],
    )

    for (const name of ['wx_app_session.id', 'wx_session', 'wx.session', 'wx!'])
      weappSession({ ...APP, carrier: headerCarrier({ keys: KEY, name }) })
    await new Promise(setImmediate)
    const about = warnings.filter(({ code }) => code === 'WEAPP_HEADER_NAME')
    t.is(about.length, 4)
    t.regex(about[0]?.message ?? '', /nginx drops headers like 'wx_app_session\.id'/)
  },
)

// B7.
// wechat-app-session's `key`, and its misspelt `serect`: here they have one name each.
test('headerCarrier({ name }): a header of the application, and no other', async (t) => {
  const server = await startServer(t, {
    ...PATIENT,
    carrier: headerCarrier({ keys: KEY, name: 'X-App-Session' }),
  })

  const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
  const later = await server.send({ 'X-App-Session': login.get('X-App-Session') ?? '' })

  t.is(later.body.user?.openId, server.wechat.user('alice').openId)
  t.is(login.get('X-WX-Session'), undefined)
  const old = { serect: KEY } as unknown as Parameters<typeof headerCarrier>[0]
  t.throws(() => headerCarrier(old), { instanceOf: TypeError, message: /no option 'serect'/ })
  for (const name of ['', 'a b', 'a:b', 'ä', 'a\r\nb'])
    t.throws(() => headerCarrier({ keys: KEY, name }), { instanceOf: TypeError, message: /name/ })
})

// B8: The id was in every response, which caches keep: one user's id was served to others.
forEach(
  ALL,
  'Cache-Control: an id is in a response only when it is new, and then in no cache',
  async (t, name) => {
    const { server, alice, login } = await start(t, name, { path: '/cached' })

    t.not(credentialOf(kept(login)), '')
    t.is(login.get('Cache-Control'), 'no-store', 'although the handler had said otherwise')
    const later = [await alice.get('/cached'), await alice.get('/cached'), await server.send({}, '/cached')]
    for (const response of later) {
      t.deepEqual(kept(response), {})
      t.is(response.get('Cache-Control'), 'public, max-age=3600')
    }
    const rotated = await alice.get('/cached?rotate=1')
    t.not(credentialOf(kept(rotated)), '')
    t.is(rotated.get('Cache-Control'), 'no-store')
  },
)

// B8.
forEach(
  ANONYMOUS,
  'Cache-Control: the id of a guest is given when the session begins, and is in no cache',
  async (t, name) => {
    const { server } = await start(t, name)

    const first = await server.send({}, '/cached?put=1')
    const later = await server.send(kept(first), '/cached?put=2')

    t.not(credentialOf(kept(first)), '')
    t.is(first.get('Cache-Control'), 'no-store')
    t.deepEqual(kept(later), {})
  },
)

// B8: cookieCarrier's take() is a Set-Cookie too: from a cache it logs others out. delivery.ts says no-store for give()
// alone.
test('Cache-Control: an answer that takes a cookie away is in no cache either', async (t) => {
  const { alice } = await start(t, 'cookie')

  const response = await alice.get('/cached?logout=1')

  t.regex(String(response.get('Set-Cookie')), /^__Host-wx-session=;/)
  t.is(response.get('Cache-Control'), 'no-store')
})

// B9: One secret of any length, under a misspelt name.
test('headerCarrier({ keys }): short ones and misspelt ones refuse to start, and each key of a ring must be long', (t) => {
  const short = 'x'.repeat(31)
  const makers = { headerCarrier, cookieCarrier, jwtCarrier } as Record<string, (options: object) => Carrier>
  for (const [name, make] of Object.entries(makers)) {
    for (const keys of [undefined, null, '', short, [], [KEY, short], [KEY, ''], randomBytes(31), 7, {}]) {
      t.throws(
        () => make({ keys }),
        { instanceOf: TypeError, message: /koa-weapp-session/ },
        `${name} ${keys}`,
      )
    }
    t.throws(() => make({ secret: KEY }), { instanceOf: TypeError, message: /has no option 'secret'/ }, name)
    t.throws(() => make({}), { instanceOf: TypeError }, name)
    for (const keys of ['x'.repeat(32), randomBytes(32), [KEY, randomBytes(32)]])
      t.notThrows(() => make({ keys }), name)
  }
})

// B10: A session said nothing about who had it.
forEach(ANONYMOUS, 'requireWxUser(): a guest is nobody, and gets in nowhere', async (t, name) => {
  const guard = requireWxUser()
  const handler = async (ctx: Context) => {
    if (ctx.path === '/put' && ctx.$wxSession) ctx.$wxSession.data.openId = 'o-victim'
    else await guard(ctx, async () => {})
    ctx.body = { user: ctx.$wxUserInfo, ...(ctx.body as object | undefined) }
  }
  const server = await startServer(t, { ...PATIENT, carrier: CARRIERS[name](), handler })

  const begun = await server.send({}, '/put')

  t.is(begun.body.user, null)
  isRefusedBody(t, await server.send(kept(begun)), 'ERR_LOGIN_REQUIRED')
})
