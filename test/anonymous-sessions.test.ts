import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import type { Response } from 'supertest'
import { cookieCarrier, headerCarrier, redisStore, requireWxUser } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { useRedis } from './support/redis.js'
import { isForgotten, isRefused, startServer, type TestServer } from './support/server.js'
import { KEY, kept } from './support/visitor.js'
import { codeLoginHeaders, loginHeaders } from './support/wechat.js'

const redis = useRedis(test)

const CARRIERS = {
  header: () => headerCarrier({ keys: [KEY], anonymous: true }),
  cookie: () => cookieCarrier({ keys: [KEY], anonymous: true }),
}

for (const [name, carrier] of Object.entries(CARRIERS)) {
  const start = (t: ExecutionContext, ttl = 7200): Promise<TestServer> =>
    startServer(t, { carrier: carrier(), handler: serve, ttl })
  /** Whoever sends a header can log in; a browser with a dead cookie is a new guest. */
  const isOver = (t: ExecutionContext, response: Response) =>
    name === 'cookie' ? isForgotten(t, response) : isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)

  test(`anonymous, ${name}: a guest who leaves nothing has no session, and gets nothing`, async (t) => {
    const own = redis()
    const { send } = await startServer(t, {
      carrier: carrier(),
      handler: serve,
      store: redisStore(own.options),
    })

    for (let n = 0; n < 20; n++) {
      const response = await send()
      t.is(response.status, 200)
      t.deepEqual(response.body, { user: null, data: {}, isNew: true })
      t.deepEqual(kept(response), {})
    }

    t.deepEqual(await own.entries(), [])
  })

  test(`anonymous, ${name}: data of a guest is there at their next request`, async (t) => {
    const { send } = await start(t)

    const first = await send({}, '/put?cart=1')
    const second = await send(kept(first), '/put?note=2')
    const third = await send(kept(first))

    t.is(first.get('Cache-Control'), 'no-store')
    t.deepEqual(kept(second), {})
    t.deepEqual(third.body, { user: null, data: { cart: '1', note: '2' }, isNew: false })
  })

  test.serial(`anonymous, ${name}: a guest's session expires, is logged out, and is no user's`, async (t) => {
    const { send } = await start(t, 1)
    const guest = kept(await send({}, '/put?cart=1'))
    const other = kept(await send({}, '/put?cart=2'))

    isRefused(t, await send(guest, '/private'), 'ERR_LOGIN_REQUIRED', 401)
    await send(other, '/logout')
    isOver(t, await send(other))
    takeDate(t).pass(1100)
    isOver(t, await send(guest))
  })

  test(`anonymous, ${name}: a guest who logs in keeps what they left, under another credential; the guest's is over`, async (t) => {
    const { send, wechat } = await start(t)
    const guest = kept(await send({}, '/put?cart=1'))

    const login = await send({ ...guest, ...(await codeLoginHeaders(wechat.phone('alice'))) })
    const user = kept(login)

    t.is(login.status, 200)
    t.notDeepEqual(user, guest)
    const later = await send(user)
    t.is(later.body.user.openId, wechat.user('alice').openId)
    t.deepEqual(later.body.data, { cart: '1' })
    isRefused(t, await send(guest), 'ERR_SESSION_EXPIRED', 401)
  })

  test(`anonymous, ${name}: a login with a guest's credential that is no good is a login`, async (t) => {
    const { send, wechat } = await start(t)
    const guest = kept(await send({}, '/put?cart=1'))
    await send(guest, '/logout')
    const [header, value = ''] = Object.entries(guest)[0] ?? []
    const forged = { [header ?? '']: `${value.slice(0, -3)}AAA` }

    for (const useless of [guest, forged]) {
      const login = await send({ ...useless, ...(await codeLoginHeaders(wechat.phone())) })
      t.is(login.status, 200)
      t.deepEqual(login.body.data, {})
    }
  })

  test(`anonymous, ${name}: a new login ends the session that its client had, and carries none of its data`, async (t) => {
    const { send, wechat } = await start(t)
    const alice = kept(await send(await codeLoginHeaders(wechat.phone('alice'))))
    await send(alice, '/put?secret=1')

    const login = await send({ ...alice, ...(await codeLoginHeaders(wechat.phone('bob'))) })

    t.deepEqual(login.body.data, {})
    t.is(login.body.user.openId, wechat.user('bob').openId)
    // The client has a newer one, so nothing is taken back.
    isRefused(t, await send(alice), 'ERR_SESSION_EXPIRED', 401)
  })

  test(`anonymous, ${name}: of two logins from one guest at once, one brings the guest's data`, async (t) => {
    const server = await start(t)
    const guest = kept(await server.send({}, '/put?cart=1'))
    server.wechat.fail({ delay: 50 })
    const logins = ['alice', 'bob'].map(async (who) =>
      server.send({ ...guest, ...(await codeLoginHeaders(server.wechat.phone(who))) }),
    )

    const answers = await Promise.all(logins)

    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    const adopted = answers.map(({ body }) => body.data.cart)
    t.deepEqual(adopted.toSorted(), ['1', undefined])
  })

  test(`anonymous, ${name}: data that a guest writes during their login is kept, or was refused`, async (t) => {
    const server = await start(t)
    const guest = kept(await server.send({}, '/put?cart=1'))
    server.wechat.fail({ delay: 60 })

    const login = server.send({ ...guest, ...(await codeLoginHeaders(server.wechat.phone('alice'))) })
    const writes = Array.from({ length: 20 }, async (_, n) => {
      await sleep(n * 6)
      return { n, response: await server.send(guest, `/put?w${n}=1`) }
    })
    const user = kept(await login)

    const { data } = (await server.send(user)).body
    t.is(data.cart, '1')
    for (const { n, response } of await Promise.all(writes)) {
      if (response.status === 200) t.is(data[`w${n}`], '1', `write ${n} was answered 200`)
      else t.true([401, 409].includes(response.status), String(response.status))
    }
  })

  test(`anonymous, ${name}: a login that the application vetoes leaves the guest as they were`, async (t) => {
    const server = await startServer(t, {
      carrier: carrier(),
      handler: serve,
      onLogin: (session) => {
        if (session.data.cart === '1') throw new Error('not this one')
      },
    })
    const guest = kept(await server.send({}, '/put?cart=1'))

    const login = await server.send({ ...guest, ...(await codeLoginHeaders(server.wechat.phone('alice'))) })

    t.is(login.status, 500)
    t.deepEqual((await server.send(guest)).body.data, { cart: '1' })
    t.is((await server.send(guest, '/put?cart=2')).status, 200)
    const again = await server.send({ ...guest, ...(await codeLoginHeaders(server.wechat.phone('alice'))) })
    t.deepEqual(again.body.data, { cart: '2' })
  })

  test(`anonymous, ${name}: a login that WeChat or its signature refuses takes nothing from the guest`, async (t) => {
    const server = await start(t)
    const guest = kept(await server.send({}, '/put?cart=1'))
    const good = await loginHeaders(server.wechat.phone('alice'))

    await server.send({ ...guest, 'X-WX-Code': 'made-up', 'X-WX-Login': 'code' })
    await server.send({ ...guest, ...good, 'X-WX-Signature': '0'.repeat(40) })

    t.deepEqual((await server.send(guest)).body.data, { cart: '1' })
  })

  test(`anonymous, ${name}: a guest's session can change its credential too`, async (t) => {
    const { send } = await start(t)
    const old = kept(await send({}, '/put?cart=1'))

    const fresh = kept(await send(old, '/rotate'))

    t.deepEqual((await send(fresh)).body.data, { cart: '1' })
    isRefused(t, await send(old), 'ERR_SESSION_EXPIRED', 401)
  })
}

async function serve(ctx: Context): Promise<void> {
  if (ctx.path === '/private') return requireWxUser()(ctx as never, async () => {}) as Promise<void>
  const { $wxSession: session, path, query } = ctx
  if (path === '/put') Object.assign(session?.data ?? {}, query)
  if (path === '/rotate') await session?.rotate()
  const data = session?.data
  if (path === '/logout') await session?.destroy()
  ctx.body = { user: ctx.$wxUserInfo, data, isNew: session?.isNew }
}

test('anonymous: a guest whose login fails is taken by the one that comes beside it', async (t) => {
  // Of two logins of one guest, the first makes the guest's session its own, and is then refused by the application.
  const { send, wechat } = await startServer(t, {
    carrier: CARRIERS.header(),
    handler: serve,
    async onLogin(_, ctx) {
      if (!ctx.query.refused) return
      await sleep(150)
      throw Object.assign(new Error('not welcome'), { status: 403 })
    },
  })
  const guest = kept(await send({}, '/put?cart=1'))
  const phone = wechat.phone('alice')
  const [first, second] = [await codeLoginHeaders(phone), await codeLoginHeaders(phone)]

  const refused = send({ ...guest, ...first }, '/?refused=1')
  await sleep(50)
  const login = await send({ ...guest, ...second })

  t.is((await refused).status, 403)
  t.is(login.status, 200)
  t.deepEqual((await send(kept(login))).body.data, { cart: '1' })
  isRefused(t, await send(guest), 'ERR_SESSION_EXPIRED', 401)
})
