import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import supertest, { type Response } from 'supertest'
import { type OldRedis, takeOver } from '../examples/take-over/take-over.js'
import { redisStore, weappSession } from '../src/index.js'
import { useRedis, withClient } from './support/redis.js'
import { isRefused, listen } from './support/server.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

const redis = useRedis(test)

const CODE = '0a1old0000000000000000000000code'
const OPEN_ID = 'oOLD-user-of-weapp-session00'
const USER = { openId: OPEN_ID, nickName: '小明', avatarUrl: 'https://a/b', gender: 1, isAdmin: true }

test('takeOver(): a user of weapp-session stays logged in, with the name that it knew', async (t) => {
  const server = await start(t)
  await server.logInAtOld()

  const responses = [await server.send({ 'X-WX-Code': CODE }), await server.send({ 'X-WX-Code': CODE })]

  for (const { status, body } of responses) {
    t.is(status, 200)
    const { isAdmin: _, ...profile } = USER
    t.deepEqual(body.user, { appId: server.wechat.appId, ...profile })
  }
  t.is(server.wechat.exchanges, 0)
  t.is(server.handled(), 2)
})

test('takeOver(): it takes a code in headers of either family, and of both', async (t) => {
  for (const headers of [{ 'Weapp-Code': CODE }, { 'Weapp-Code': CODE, 'X-WX-Code': CODE }]) {
    const server = await start(t)
    await server.logInAtOld()

    const { status, body } = await server.send(headers)

    t.deepEqual([status, body.user.openId, body.user.nickName], [200, OPEN_ID, USER.nickName])
    t.is((await server.send({ 'X-WX-Code': CODE })).body.user.openId, OPEN_ID)
    t.is(server.wechat.exchanges, 0)
  }
})

test('takeOver(): a request that contradicts itself is refused, and uses up no session', async (t) => {
  const server = await start(t)
  await server.logInAtOld()

  const refused = await server.send({ 'Weapp-Code': CODE, 'X-WX-Code': 'another' })

  isRefused(t, refused, 'ERR_BAD_REQUEST', 400)
  t.is((await server.send({ 'Weapp-Code': CODE })).body.user.openId, OPEN_ID)
})

test('takeOver(): an old session is taken once: who logs out is logged out', async (t) => {
  const server = await start(t)
  await server.logInAtOld()
  await server.send({ 'X-WX-Code': CODE }, '/logout')

  isRefused(t, await server.send({ 'X-WX-Code': CODE }), 'ERR_SESSION_EXPIRED', 401)
  t.deepEqual(await server.oldKeys(), [OPEN_ID])
})

test('takeOver(): parallel requests with an old code are each answered, and handled once', async (t) => {
  const server = await start(t)
  await server.logInAtOld()

  const responses = await Promise.all(Array.from({ length: 10 }, () => server.send({ 'X-WX-Code': CODE })))

  for (const { status, body } of responses) {
    t.is(status, 200)
    t.is(body.user.openId, OPEN_ID)
  }
  t.is(server.handled(), 10)
  t.is(server.wechat.exchanges, 0)
})

test('takeOver(): an openId, which weapp-session has a key for, is no code', async (t) => {
  const server = await start(t)
  await server.logInAtOld()

  isRefused(t, await server.send({ 'X-WX-Code': OPEN_ID }), 'ERR_SESSION_EXPIRED', 401)
})

test('takeOver(): logins go to WeChat as ever, and what nobody knows is refused', async (t) => {
  const server = await start(t)

  const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))

  t.is(login.body.user.openId, server.wechat.user('alice').openId)
  t.is(server.wechat.exchanges, 1)
  isRefused(t, await server.send({ 'X-WX-Code': 'unknown' }), 'ERR_SESSION_EXPIRED', 401)
})

test('takeOver(): a value in the old Redis that weapp-session did not put there is no session', async (t) => {
  for (const value of ['', 'no JSON', 'null', '7', '"text"', '[]', '{}', '{"openId":""}', '{"openId":7}']) {
    const server = await start(t, { getDel: async () => value })
    isRefused(t, await server.send({ 'X-WX-Code': CODE }), 'ERR_SESSION_EXPIRED', 401)
  }
})

async function start(t: ExecutionContext, client?: OldRedis) {
  const { url, options, prefix } = redis()
  const wechat = startWechat(t)
  const old = takeOver({
    client: client ?? { getDel: (key) => withClient(url, (client) => client.getDel(key)) },
    prefix: `${prefix}old:`,
    fetch: wechat.fetch,
  })
  const { appId, appSecret } = wechat
  const session = weappSession({
    appId,
    appSecret,
    store: redisStore(options),
    wechat: { fetch: old.fetch },
  })
  t.teardown(() => session.close())
  let handled = 0
  const app = new Koa()
  app.silent = true
  app.use(old.middleware)
  app.use(session)
  app.use(async (ctx: Context) => {
    handled++
    ctx.body = { user: ctx.$wxUserInfo }
    if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
  })
  const at = await listen(t, app)
  return {
    wechat,
    handled: () => handled,
    send: async (headers: Record<string, string>, path = '/'): Promise<Response> =>
      supertest(at).get(path).set(headers),
    /** As weapp-session 0.3 does it: two keys, JSON, two hours. */
    logInAtOld: () =>
      withClient(url, async (client) => {
        await client.setEx(`${prefix}old:${CODE}`, 7200, JSON.stringify(USER))
        await client.setEx(`${prefix}old:${OPEN_ID}`, 7200, JSON.stringify(CODE))
      }),
    oldKeys: () =>
      withClient(url, async (client) => {
        const keys = await client.keys(`${prefix}old:*`)
        return keys.map((key) => key.slice(`${prefix}old:`.length))
      }),
  }
}
