/** docs/protocol.md, "Writing a client": a client that is written from it works with each carrier. */
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import Koa from 'koa'
import { requireWxUser } from '../../src/index.js'
import { listen, startServer, type TestServer } from '../support/server.js'
import { CARRIERS, type CarrierName } from '../support/visitor.js'
import { newCode } from '../support/wechat.js'
import { type WrittenClient, writtenClient } from './support/written-client.js'

const NAMES = Object.keys(CARRIERS) as CarrierName[]
const members = requireWxUser()

interface Scene {
  server: TestServer
  alice: WrittenClient
  handled: string[]
}

async function start(
  t: ExecutionContext,
  name: CarrierName,
  options: Parameters<typeof writtenClient>[2] = {},
): Promise<Scene> {
  const handled: string[] = []
  const handler = (ctx: Context) =>
    members(ctx, async () => {
      handled.push(`${ctx.method} ${ctx.path}`)
      if (ctx.path === '/broken') throw new Error('of the handler')
      if (ctx.path === '/gone') {
        const { $wxSession: session } = ctx
        await session?.destroy()
        await session?.getPhoneNumber('a-code')
      }
      if (ctx.path === '/rotate') await ctx.$wxSession?.rotate()
      ctx.body = { openId: ctx.$wxUserInfo?.openId }
    })
  const server = await startServer(t, { carrier: CARRIERS[name](), loginPath: '/login', handler })
  const phone = server.wechat.phone('alice')
  return { server, alice: writtenClient(server.url, () => newCode(phone), options), handled }
}

for (const name of NAMES) {
  test(`docs/protocol.md: a client that is written from it (${name}): one login for all calls`, async (t) => {
    const { server, alice } = await start(t, name)
    const { openId } = server.wechat.user('alice')

    const first = await Promise.all([1, 2, 3].map(() => alice.request('/me')))
    const later = await alice.request('/me')

    for (const { data } of [...first, later]) t.deepEqual(data, { openId })
    t.is(server.wechat.exchanges, 1)
  })

  test(`docs/protocol.md: a client that is written from it (${name}): a handler’s error is a login all the same`, async (t) => {
    const { server, alice } = await start(t, name)

    t.is((await alice.request('/broken')).status, 500)

    t.deepEqual((await alice.request('/me')).data, { openId: server.wechat.user('alice').openId })
    t.is(server.wechat.exchanges, 1)
  })

  test(`docs/protocol.md: a client that is written from it (${name}): it logs in again, and a POST is handled once`, async (t) => {
    const { server, alice, handled } = await start(t, name)
    await alice.request('/me')
    await server.session.revoke(server.wechat.user('alice').openId)
    handled.length = 0

    const { data, attempts } = await alice.request('/me', { method: 'POST' })

    t.deepEqual(data, { openId: server.wechat.user('alice').openId })
    t.deepEqual([attempts, handled], [2, ['POST /me']])
  })

  test(`docs/protocol.md: a client that is written from it (${name}): at loginPath it needs the body alone`, async (t) => {
    if (name === 'cookie') return t.pass()
    const { server, alice } = await start(t, name, { loginPath: '/login', isBlind: true })

    t.deepEqual((await alice.request('/me')).data, { openId: server.wechat.user('alice').openId })
    t.is(server.wechat.exchanges, 1)
  })

  test(`docs/protocol.md: a client that is written from it (${name}): it keeps what rotate() gives`, async (t) => {
    const { server, alice } = await start(t, name)
    await alice.request('/rotate')

    for (const path of ['/rotate', '/me'])
      t.deepEqual((await alice.request(path)).data, { openId: server.wechat.user('alice').openId })
    t.is(server.wechat.exchanges, 1)
  })
}

test('docs/protocol.md: a client that is written from it takes the page of something else for no login', async (t) => {
  const { server } = await start(t, 'header')
  const app = new Koa()
  let isUp = false
  app.use(async (ctx) => {
    if (!isUp) {
      ctx.body = '<h1>Welcome to nginx!</h1>'
      return
    }
    const headers = ctx.req.headers as Record<string, string>
    const answer = await fetch(server.url + ctx.url, { headers })
    for (const [key, value] of answer.headers) if (key.startsWith('weapp-')) ctx.set(key, value)
    ctx.body = await answer.json()
  })
  const phone = server.wechat.phone('alice')
  const alice = writtenClient(await listen(t, app), () => newCode(phone))

  t.regex((await alice.request('/me')).data, /nginx/)
  t.is(alice.credential, undefined)
  isUp = true
  t.deepEqual((await alice.request('/me')).data, { openId: server.wechat.user('alice').openId })
})

test('docs/protocol.md: a client that is written from it repeats no POST after a conflict, and logs in before the next call', async (t) => {
  const { server, alice, handled } = await start(t, 'header')
  await alice.request('/me')

  const { status, attempts } = await alice.request('/gone', { method: 'POST' })
  const next = await alice.request('/me')

  t.deepEqual([status, attempts], [409, 1])
  t.deepEqual(handled, ['GET /me', 'POST /gone', 'GET /me'])
  t.deepEqual([next.attempts, server.wechat.exchanges], [1, 2])
})
