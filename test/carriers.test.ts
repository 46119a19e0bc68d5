import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import { memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { isRefused, startServer, type TestServer, type TestServerOptions } from './support/server.js'
import { CARRIERS, type CarrierName, KEY, kept, OLD_KEY, visitor } from './support/visitor.js'
import { codeLoginHeaders, codeOnly } from './support/wechat.js'

const redis = useRedis(test)

const STORES: Record<string, () => SessionStore> = {
  'memoryStore()': () => memoryStore(),
  'redisStore()': () => redisStore(redis().options),
}

const names = Object.keys(CARRIERS) as CarrierName[]

/** What holds for every carrier on every store, at the same time; one thing after the other is in sessions-model.test.ts. */
for (const carrier of names) {
  for (const [where, makeStore] of Object.entries(STORES)) {
    const start = (t: ExecutionContext, options: TestServerOptions = {}): Promise<TestServer> =>
      startServer(t, { carrier: CARRIERS[carrier](), store: makeStore(), handler: serve, ...options })
    const name = (what: string) => `${carrier}Carrier() on ${where}: ${what}`

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

    test.serial(name('parallel changes of keys of their own are all kept'), async (t) => {
      const server = await start(t)
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()

      const responses = await Promise.all(['a', 'b', 'c'].map((one) => alice.get(`/put?slow=1&${one}=1`)))

      for (const { status } of responses) t.is(status, 200)
      const { slow: _, ...data } = (await alice.get()).body.data
      t.deepEqual(data, { a: '1', b: '1', c: '1' })
    })

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

    if (carrier === 'code') continue

    test(
      name('a credential of an old key is good until the key leaves the ring, and is signed anew'),
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

    test.serial(name('a forged credential costs the store nothing'), async (t) => {
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
