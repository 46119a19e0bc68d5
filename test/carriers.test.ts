import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import { cookieCarrier, memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { useRedis } from './support/redis.js'
import { isRefused, startServer, type TestServer, type TestServerOptions } from './support/server.js'
import { until } from './support/until.js'
import { CARRIERS, type CarrierName, KEY, kept, OLD_KEY, visitor } from './support/visitor.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone } from './support/wechat.js'

const redis = useRedis(test)

const STORES: Record<string, () => SessionStore> = {
  memory: () => memoryStore(),
  redis: () => redisStore(redis().options),
}

const names = Object.keys(CARRIERS) as CarrierName[]

/** What holds for every carrier on every store. */
for (const carrier of names) {
  for (const [where, makeStore] of Object.entries(STORES)) {
    const start = (t: ExecutionContext, options: TestServerOptions = {}): Promise<TestServer> =>
      startServer(t, { carrier: CARRIERS[carrier](), store: makeStore(), handler: serve, ...options })
    const name = (what: string) => `${carrier} in ${where}: ${what}`

    test.serial(name('a login, and then requests with what it gave'), async (t) => {
      const server = await start(t)
      const alice = visitor(server, namedPhone(server.wechat, 'alice'))
      const headers = await loginHeaders(namedPhone(server.wechat, 'alice'))

      const login = await server.send(headers)
      alice.headers = { ...codeOnly(headers), ...kept(login) }
      const later = await alice.get()

      t.deepEqual([login.status, later.status], [200, 200])
      t.is(login.body.user.openId, server.wechat.user('alice').openId)
      t.is(login.body.user.nickName, 'alice')
      t.deepEqual(later.body.user, login.body.user)
      t.deepEqual([login.body.isNew, later.body.isNew], [true, false])
      if (carrier !== 'code') t.is(login.get('Cache-Control'), 'no-store')
      t.deepEqual(kept(later), {}, 'what the client has is not given again')
    })

    test.serial(name('a request without a credential is nobody, and gets nothing'), async (t) => {
      const { send } = await start(t)

      const response = await send()

      t.is(response.status, 200)
      t.deepEqual(response.body.user, null)
      t.deepEqual(kept(response), {})
    })

    test.serial(name('a login that is repeated gets the same session'), async (t) => {
      const server = await start(t)
      const headers = await codeLoginHeaders(server.wechat.phone('alice'))

      const [first, second] = await Promise.all([server.send(headers), server.send(headers)])
      const third = await server.send(headers)
      await server.send({ ...codeOnly(headers), ...kept(first) }, '/put?one=1')

      t.deepEqual([first.status, second.status, third.status], [200, 200, 200])
      t.is(server.wechat.exchanges, 1)
      for (const response of [first, second, third]) {
        const again = await server.send({ ...codeOnly(headers), ...kept(response) })
        t.deepEqual(again.body.data, { one: '1' })
      }
    })

    test.serial(name('50 parallel first requests share one exchange'), async (t) => {
      const server = await start(t)
      server.wechat.fail({ delay: 50 })
      const headers = await codeLoginHeaders(server.wechat.phone('alice'))

      const responses = await Promise.all(Array.from({ length: 50 }, () => server.send(headers)))

      t.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]))
      t.is(server.wechat.exchanges, 1)
    })

    test.serial(name('what a handler puts into the session is there for the next'), async (t) => {
      const server = await start(t)
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()

      await alice.get('/put?one=1')
      await alice.get('/put?two=2')

      t.deepEqual((await alice.get()).body.data, { one: '1', two: '2' })
    })

    test.serial(name('a session that expires is over'), async (t) => {
      const server = await start(t, { ttl: 2 })
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()
      t.is((await alice.get()).status, 200)

      takeDate(t).pass(2100)

      isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
    })

    test.serial(name('a logout ends the session at once'), async (t) => {
      const server = await start(t)
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()
      const { headers } = alice

      const response = await alice.get('/logout')

      t.deepEqual([response.status, response.body.user], [200, null])
      isRefused(t, await server.send(headers), 'ERR_SESSION_EXPIRED', 401)
    })

    test.serial(name('a revocation ends every session of the user, and of nobody else'), async (t) => {
      const server = await start(t)
      const [phone, tablet, bob] = ['alice', 'alice', 'bob'].map((user) =>
        visitor(server, server.wechat.phone(user)),
      ) as [ReturnType<typeof visitor>, ReturnType<typeof visitor>, ReturnType<typeof visitor>]
      for (const one of [phone, tablet, bob]) await one.logIn()

      await server.session.revoke(server.wechat.user('alice').openId)

      isRefused(t, await phone.get(), 'ERR_SESSION_EXPIRED', 401)
      isRefused(t, await tablet.get(), 'ERR_SESSION_EXPIRED', 401)
      t.is((await bob.get()).status, 200)
      t.is((await phone.logIn()).status, 200)
      t.is((await phone.get()).status, 200)
    })

    test.serial(name('another credential, and the old one is over'), async (t) => {
      const server = await start(t)
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()
      await alice.get('/put?one=1')
      const old = alice.headers

      const response = await alice.get('/rotate?two=2')

      t.is(response.status, 200)
      t.deepEqual((await alice.get()).body.data, { one: '1', two: '2' })
      if (carrier === 'code') return t.deepEqual(kept(response), {})
      t.notDeepEqual(alice.headers, old)
      t.is(response.get('Cache-Control'), 'no-store')
      isRefused(t, await server.send(old), 'ERR_SESSION_EXPIRED', 401)
    })

    test.serial(
      name('parallel changes that cannot both hold: one is refused, and none is lost'),
      async (t) => {
        const server = await start(t)
        const alice = visitor(server, server.wechat.phone('alice'))
        await alice.logIn()

        const responses = await Promise.all(['a', 'b', 'c'].map((one) => alice.get(`/put?slow=1&${one}=1`)))

        const saved = ['a', 'b', 'c'].filter((_, n) => responses[n]?.status === 200)
        const refused = responses.filter(({ status }) => status !== 200)
        for (const response of refused) isRefused(t, response, 'ERR_SESSION_CONFLICT', 409)
        t.true(saved.length >= 1)
        const { slow: _, ...data } = (await alice.get()).body.data
        t.deepEqual(Object.keys(data), saved)
      },
    )

    test.serial(
      name('a change of credential loses no change that a parallel request has saved'),
      async (t) => {
        const server = await start(t)
        const alice = visitor(server, server.wechat.phone('alice'))
        await alice.logIn()
        const { headers } = alice

        const [rotated, put] = await Promise.all([
          server.send(headers, '/rotate?slow=1&a=1'),
          server.send(headers, '/put?b=1'),
        ])
        const { data } = (await server.send({ ...headers, ...kept(rotated) })).body

        // 401: it came when the credential was over already.
        if (put.status === 200) t.is(data.b, '1')
        else isRefused(t, put, 'ERR_SESSION_EXPIRED', 401)
        // What the rotating request itself has changed may fit no more, and is not there by halves.
        t.is(data.a, rotated.status === 200 ? '1' : undefined)
        if (rotated.status === 200) t.pass()
        else isRefused(t, rotated, 'ERR_SESSION_CONFLICT', 409)
      },
    )

    test.serial(name('while the store is away nobody is logged out'), async (t) => {
      let isAway = false
      const store = makeStore()
      const server = await start(t, { store: interrupted(store, () => isAway) })
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()
      await alice.get()

      isAway = true
      const during = await server.send(alice.headers)
      const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
      isAway = false

      // A token speaks for itself; what needs the session's data does not.
      if (carrier === 'jwt') t.is(during.status, 503)
      isRefused(t, login, 'ERR_STORE_UNAVAILABLE', 503)
      t.is(during.status, 503)
      t.is((await alice.get()).status, 200)
    })

    test.serial(name('an end elsewhere is seen'), async (t) => {
      const store = makeStore()
      const weixin = (await start(t)).wechat
      const [one, other] = [await start(t, { store, weixin }), await start(t, { store, weixin })]
      const alice = visitor(one, weixin.phone('alice'))
      await alice.logIn()
      t.is((await other.send(alice.headers, '/who')).status, 200)

      await one.send(alice.headers, '/logout')

      if (carrier === 'jwt') await until(async () => (await other.send(alice.headers, '/who')).status === 401)
      isRefused(t, await other.send(alice.headers, '/who'), 'ERR_SESSION_EXPIRED', 401)
    })

    if (carrier === 'code') continue

    test(
      name('what an old key signed is good until the key leaves the ring, and is signed anew'),
      async (t) => {
        const store = makeStore()
        const before = await start(t, { store, carrier: CARRIERS[carrier]([OLD_KEY]) })
        const weixin = before.wechat
        const during = await start(t, { store, weixin, carrier: CARRIERS[carrier]([KEY, OLD_KEY]) })
        const after = await start(t, { store, weixin, carrier: CARRIERS[carrier]([KEY]) })
        const alice = visitor(before, weixin.phone('alice'))
        await alice.logIn()
        const old = alice.headers

        const response = await during.send(old)
        const fresh = { ...old, ...kept(response) }

        t.is(response.status, 200)
        isRefused(t, await after.send(old), 'ERR_SESSION_EXPIRED', 401)
        if (carrier === 'jwt') return
        t.notDeepEqual(fresh, old)
        t.is((await after.send(fresh)).status, 200)
      },
    )

    test.serial(name('what is forged costs the store nothing'), async (t) => {
      let reads = 0
      const store = makeStore()
      const counted = {
        ...store,
        async read(id: string) {
          reads++
          return store.read(id)
        },
      }
      const server = await start(t, { store: counted })
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()
      const { headers } = alice
      reads = 0

      for (const forge of FORGERIES) {
        const forged = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, forge(value)]),
        )
        const { status } = await server.send(forged, '/who')
        t.true([400, 401].includes(status), `${status} for ${JSON.stringify(forged)}`)
      }

      t.is(reads, 0)
    })
  }
}

/** What is done to a credential. */
const FORGERIES: ((value: string) => string)[] = [
  (value) => value.slice(0, -2) + (value.endsWith('AA') ? 'BB' : 'AA'),
  (value) => value.slice(0, -1),
  (value) => `${value}A`,
  (value) => value.replace(/[\w-]{10}(?=[.\w-]{40})/, 'AAAAAAAAAA'),
  (value) => value.replace(/\.[\w-]+$/, '.'),
  (value) => value.replace(/\.[\w-]+$/, ''),
  (value) => value.replace(/[\w-]+\./, '.'),
]

async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, query, path } = ctx
  if (path !== '/who') await session?.load()
  if (path === '/put' || path === '/rotate') {
    Object.assign(session?.data ?? {}, query)
    if (query.slow) await sleep(50)
  }
  if (path === '/rotate') await session?.rotate()
  const data = path === '/who' ? undefined : session?.data
  if (path === '/logout') await session?.destroy()
  ctx.body = { user: ctx.$wxUserInfo, isNew: session?.isNew, data }
}

/** A store that is away at times. */
function interrupted(store: SessionStore, isAway: () => boolean): SessionStore {
  const methods = Object.entries(store).map(([name, method]) => {
    if (typeof method !== 'function') return [name, method]
    return [
      name,
      async (...args: unknown[]) => {
        if (isAway()) throw new Error('the store is away')
        return (method as (...args: unknown[]) => unknown)(...args)
      },
    ]
  })
  return Object.fromEntries(methods) as SessionStore
}

test.serial(
  'cookie: a client that keeps to its expiry has a rolling session for as long as it comes back',
  async (t) => {
    const server = await startServer(t, { carrier: CARRIERS.cookie(), handler: serve, rolling: true, ttl: 3 })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
    const headers = kept(login)
    const expiry = ({ headers }: { headers: Record<string, string> }) =>
      Date.parse(/expires=([^;]*)/.exec(String(headers['set-cookie']))?.[1] ?? '')

    const soon = await server.send(headers)
    takeDate(t).pass(1500)
    const later = await server.send(headers)

    t.deepEqual(kept(soon), {}, 'a renewal that is not due gives nothing')
    t.is(later.status, 200)
    t.deepEqual(kept(later), headers, 'the same credential')
    t.true(expiry(later) > expiry(login))
    t.is(later.get('Cache-Control'), 'no-store')
  },
)

test('cookie: its name promises what browsers can keep, and no more', async (t) => {
  const names: [options: object, name: string][] = [
    [{}, '__Host-wx-session'],
    [{ sameSite: 'none' }, '__Host-wx-session'],
    [{ secure: false }, 'wx-session'],
    [{ path: '/api' }, 'wx-session'],
    [{ domain: 'example.com' }, 'wx-session'],
    [{ name: 'sid' }, 'sid'],
    [{ name: '__Secure-sid', domain: 'example.com' }, '__Secure-sid'],
    [{ name: '__Host-sid' }, '__Host-sid'],
  ]

  for (const [options, name] of names) {
    const server = await startServer(t, { carrier: cookieCarrier({ keys: [KEY], ...options }) })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
    const [cookie = ''] = login.get('Set-Cookie') ?? []
    const value = cookie.slice(name.length + 1).split(';')[0] ?? ''

    t.true(cookie.startsWith(`${name}=`), cookie)
    const others = ['wx-session', '__Host-wx-session', 'sid'].filter((other) => other !== name)
    t.is((await server.send({ Cookie: `${name}=${value}` })).status, 200)
    for (const other of others)
      t.is((await server.send({ Cookie: `${other}=${value}` })).body.user, null, `${other} is not read`)
  }
})

test('cookie: a name whose promise the other options break is said at start-up', (t) => {
  for (const options of [
    { name: '__Host-sid', secure: false },
    { name: '__Host-sid', path: '/api' },
    { name: '__Host-sid', domain: 'example.com' },
    { name: '__host-sid', domain: 'example.com' },
    { name: '__Secure-sid', secure: false },
  ])
    t.throws(() => cookieCarrier({ keys: [KEY], ...options }), {
      instanceOf: TypeError,
      message: new RegExp(`${options.name}.*browsers refuse`),
    })
})
