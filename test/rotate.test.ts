import { setTimeout as sleep } from 'node:timers/promises'
import { install } from '@sinonjs/fake-timers'
import test, { type ExecutionContext } from 'ava'
import type { Response } from 'supertest'
import { memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'
import { type OwnRedis, startRedis, useRedis } from './support/redis.js'
import { gate, loggedIn, serve } from './support/rotations.js'
import { isRefused, startServer } from './support/server.js'
import { until } from './support/until.js'
import { CARRIERS, KEY, kept, visitor } from './support/visitor.js'
import { codeOnly, loginHeaders, namedPhone } from './support/wechat.js'

const redis = useRedis(test)

const STORES: Record<string, () => SessionStore> = {
  memory: () => memoryStore(),
  redis: () => redisStore(redis().options),
}

for (const carrier of ['header', 'cookie', 'jwt'] as const) {
  for (const [where, makeStore] of Object.entries(STORES)) {
    const name = (what: string) => `rotate(): ${what} (${carrier}, ${where})`
    const start = (
      t: ExecutionContext,
      options: { maxSessionsPerUser?: number; store?: SessionStore } = {},
    ) => startServer(t, { carrier: CARRIERS[carrier](), store: makeStore(), handler: serve, ...options })

    test(name('a client with the old credential cannot stop it by writing'), async (t) => {
      const server = await start(t)
      const alice = await loggedIn(server, 'alice')
      const thief = { ...alice.headers }
      let isOver = false
      const writers = Array.from({ length: 8 }, async (_, n) => {
        for (let i = 0; !isOver; i++) await server.send(thief, `/put?w${n}=${i}`)
      })

      await sleep(30)
      const response = await alice.get('/rotate')
      isOver = true
      await Promise.all(writers)

      t.is(response.status, 200)
      t.not(Object.keys(kept(response)).length, 0)
      isRefused(t, await server.send(thief), 'ERR_SESSION_EXPIRED', 401)
      t.is((await alice.get()).status, 200)
    })

    test(name('it takes effect also when data conflicts, and the answer says both'), async (t) => {
      const server = await start(t)
      const alice = await loggedIn(server, 'alice')
      const old = { ...alice.headers }

      const { query, reached, open } = gate()
      const rotation = alice.get(`/rotate?mine=1&${query}`)
      await reached
      await server.send(old, '/put?mine=2')
      open()
      const response = await rotation

      isRefused(t, response, 'ERR_SESSION_CONFLICT', 409)
      isRefused(t, await server.send(old), 'ERR_SESSION_EXPIRED', 401)
      t.deepEqual((await alice.get()).body.data, { mine: '2' })
    })

    test(name('of ten at once one succeeds, and nobody’s other devices are logged out'), async (t) => {
      const server = await start(t, { maxSessionsPerUser: 2 })
      const other = await loggedIn(server, 'alice')
      const alice = await loggedIn(server, 'alice')
      const old = { ...alice.headers }

      const responses = await Promise.all(
        Array.from({ length: 10 }, () => server.send(old, '/rotate?wait=20')),
      )

      const winners = responses.filter(({ status }) => status === 200)
      t.is(winners.length, 1)
      for (const lost of responses.filter(({ status }) => status !== 200)) {
        // Some come when the old session is over already.
        t.true(lost.get('X-WX-Session-Error') === 'ERR_SESSION_CONFLICT' || lost.status === 401, lost.text)
        t.deepEqual(given(lost), {})
      }
      isRefused(t, await server.send(old), 'ERR_SESSION_EXPIRED', 401)
      t.is((await server.send(kept(winners[0] as (typeof winners)[0]))).status, 200)
      t.is((await other.get()).status, 200)
    })

    test(
      name('while it is under way, a login with the same code waits; when it fails, that is logged in'),
      async (t) => {
        const inner = makeStore()
        let isUnderWay = false
        // No successor can be created, and that is known after a while.
        const create: SessionStore['create'] = async (session) => {
          if (!session.replaces) return inner.create(session)
          isUnderWay = true
          return sleep(300, false)
        }
        const server = await start(t, { store: { ...inner, create } })
        const withProfile = await loginHeaders(namedPhone(server.wechat, 'alice'))
        const headers = { ...codeOnly(withProfile), 'X-WX-Login': 'code' }
        const credential = kept(await server.send(headers))

        const rotation = server.send(credential, '/rotate')
        await until(() => isUnderWay)
        const [again, named] = await Promise.all([server.send(headers), server.send(withProfile)])

        t.is((await rotation).status, 409)
        t.is(again.status, 200, again.text)
        t.is(named.status, 200, named.text)
      },
    )

    test(name('a logout that began before it ends the session under its new credential too'), async (t) => {
      const server = await start(t)
      const alice = await loggedIn(server, 'alice')
      const old = { ...alice.headers }

      const { query, reached, open } = gate()
      const logout = server.send(old, `/logout?${query}`)
      await reached
      await alice.get('/rotate')
      await alice.get('/rotate')
      open()

      t.is((await logout).status, 200)
      isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
    })

    test(
      name('a login that ends the client’s earlier session ends it under its new credential too'),
      async (t) => {
        const server = await start(t)
        const alice = await loggedIn(server, 'alice')
        const old = { ...alice.headers }
        const exchanges = server.wechat.exchanges
        // Longer than a rotation takes on a busy machine.
        server.wechat.fail({ delay: 1500 })

        const login = visitor(server, server.wechat.phone('alice'))
        login.headers = old
        const again = login.logIn()
        await until(() => server.wechat.exchanges > exchanges)
        const rotated = await alice.get('/rotate')

        t.is((await again).status, 200)
        t.is(rotated.status, 200)
        isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
        t.is((await login.get()).status, 200)
      },
    )
  }
}

// Of itself, because it sets the clock of this process.
test.serial(
  'rotate(): an old token whose end is never confirmed is good for ten seconds at most',
  async (t) => {
    const inner = memoryStore()
    const store: SessionStore = {
      ...inner,
      timeout: 1000,
      confirm: () => Promise.reject(new Error('no confirm')),
    }
    const carrier = jwtCarrier({ keys: [KEY], staleness: 1 })
    const here = await startServer(t, { carrier, store, handler: serve })
    const elsewhere = await startServer(t, { carrier, store, handler: serve, weixin: here.wechat })
    const alice = await loggedIn(here, 'alice')
    const old = { ...alice.headers }
    t.is((await elsewhere.send(old, '/token')).status, 200)

    t.is((await alice.get('/rotate')).status, 200)
    const clock = install({ now: Date.now() + 10_000, toFake: ['Date'] })
    t.teardown(() => clock.uninstall())

    await until(async () => (await elsewhere.send(old, '/token')).status === 401)
    t.is((await alice.get()).status, 200)
  },
)

test('rotate(): while Redis is full or read-only, the old session stands', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  const server = await startServer(t, {
    carrier: CARRIERS.header(),
    store: redisStore(own.options),
    handler: serve,
  })
  const alice = await loggedIn(server, 'alice')

  await setFull(own, true)
  isRefusedInHandler(t, await alice.get('/rotate'))
  t.is((await alice.get()).status, 200)
  await setFull(own, false)

  await own.use((client) => client.sendCommand(['REPLICAOF', '127.0.0.1', '1']))
  await own.use((client) => client.configSet('replica-serve-stale-data', 'yes'))
  isRefusedInHandler(t, await alice.get('/rotate'))
  t.is((await alice.get()).status, 200)
  await own.use((client) => client.sendCommand(['REPLICAOF', 'NO', 'ONE']))

  t.is((await alice.get('/rotate')).status, 200)
  t.is((await alice.get()).status, 200)
})

/** As Koa answers what a handler lets through. */
function isRefusedInHandler(t: ExecutionContext, response: Response): void {
  t.is(response.status, 503)
  t.is(response.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
}

async function setFull(own: OwnRedis, isFull: boolean): Promise<void> {
  await own.use((client) => client.configSet('maxmemory', isFull ? '1' : '0'))
}

/** What a response gives, without the cookies that it takes back. */
function given(response: Parameters<typeof kept>[0]): Record<string, string> {
  const { Cookie, ...rest } = kept(response)
  return { ...rest, ...(Cookie && !/=$/.test(Cookie) && { Cookie }) }
}
