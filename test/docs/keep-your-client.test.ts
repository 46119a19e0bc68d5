/** docs/migration.md, "Keep the client you have": its middlewares, with clients that send and read what the real ones do. */
import test, { type ExecutionContext } from 'ava'
import Koa, { type Middleware } from 'koa'
import type { Phone, Wechat } from '../../simulator/src/index.js'
import {
  headerCarrier,
  memoryStore,
  requireWxUser,
  type WeappSession,
  weappSession,
} from '../../src/index.js'
import { listen } from '../support/server.js'
import { KEY } from '../support/visitor.js'
import { namedPhone, startWechat } from '../support/wechat.js'
import { type OtherClient, wafer2Client, waferClient, weRequestClient } from './support/other-clients.js'
import { blockOf, writeBlock } from './support/run-block.js'

interface Kind {
  /** The heading of its section. */
  under: string
  client: (phone: Phone, host: string) => OtherClient
  /** What the section exports, as an app uses it. */
  shim: (section: Record<string, (...options: unknown[]) => Middleware>) => Middleware | undefined
  /** A session of the server that was there before. */
  old: unknown
}

const KINDS: Kind[] = [
  {
    under: 'wafer-client-sdk',
    client: waferClient,
    shim: ({ forWafer }) => forWafer?.('/wafer/login', '/login'),
    old: { id: '0f1e2d3c', skey: '5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8' },
  },
  {
    under: 'wafer2-client-sdk',
    client: wafer2Client,
    shim: ({ forWafer2 }) => forWafer2?.('/wafer2/login', '/login'),
    old: { skey: '5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8', userinfo: {} },
  },
  {
    under: 'weRequest',
    client: weRequestClient,
    shim: ({ forWeRequest }) => forWeRequest?.({ codeToSession: '/user/login', loginPath: '/login' }),
    old: '5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8',
  },
]

interface Scene {
  wechat: Wechat
  session: WeappSession
  url: string
  /** The URLs that handlers were called with. */
  handled: string[]
  store: { isAway: boolean }
}

async function start(t: ExecutionContext, { under, shim }: Kind): Promise<Scene> {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const inner = memoryStore()
  const outage = { isAway: false }
  const read: typeof inner.read = async (id) => {
    if (outage.isAway) throw new Error('away')
    return inner.read(id)
  }
  const session = weappSession({
    appId,
    appSecret,
    wechat: { fetch },
    store: { ...inner, read, timeout: 250 },
    carrier: headerCarrier({ keys: KEY }),
    loginPath: '/login',
  })
  const handled: string[] = []
  const app = new Koa()
  app.silent = true
  app.use(shim(await import(writeBlock(t, blockOf('docs/migration.md', under)))) as Middleware)
  app.use(session)
  app.use(requireWxUser())
  app.use(async (ctx) => {
    handled.push(ctx.url)
    ctx.body = { errcode: 0, user: ctx.$wxUserInfo, query: ctx.query }
    if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
  })
  return { wechat, session, url: await listen(t, app), handled, store: outage }
}

for (const kind of KINDS) {
  const { under, client } = kind

  test(`docs/migration.md: ${under} logs in once, and keeps its session`, async (t) => {
    const { wechat, url, handled } = await start(t, kind)
    const alice = client(namedPhone(wechat, 'alice'), url)

    const first = await alice.request('/orders')
    const posted = await alice.request('/orders?page=2', 'POST')

    for (const { data } of [first, posted]) t.is(data.user.openId, wechat.user('alice').openId)
    t.is(posted.data.query.page, '2')
    t.deepEqual(handled, ['/orders', '/orders?page=2'], 'no handler sees a credential in the URL')
    t.is(wechat.exchanges, 1)
  })

  test(`docs/migration.md: ${under} logs in again when its session has ended, and a POST is handled once`, async (t) => {
    const { wechat, session, url, handled } = await start(t, kind)
    const alice = client(wechat.phone('alice'), url)
    await alice.request('/orders')
    await session.revoke(wechat.user('alice').openId)
    handled.length = 0

    const { data } = await alice.request('/orders', 'POST')

    t.is(data.user.openId, wechat.user('alice').openId)
    t.is(handled.length, 1)
    t.is(wechat.exchanges, 2)
  })

  test(`docs/migration.md: ${under} comes with a session of the old server, and logs in`, async (t) => {
    const { wechat, url } = await start(t, kind)
    const alice = client(wechat.phone('alice'), url)
    alice.session = kind.old

    t.is((await alice.request('/orders')).data.user.openId, wechat.user('alice').openId)
  })

  test(`docs/migration.md: ${under} keeps its session during an outage of the store`, async (t) => {
    const { wechat, url, store } = await start(t, kind)
    const alice = client(wechat.phone('alice'), url)
    await alice.request('/orders')
    const { session } = alice
    store.isAway = true

    const away = await alice.request('/orders').catch((error: Error) => error.message)
    store.isAway = false

    t.regex(typeof away === 'string' ? away : String(away.statusCode), /503/)
    t.deepEqual(alice.session, session)
    t.is((await alice.request('/orders')).data.user.openId, wechat.user('alice').openId)
    t.is(wechat.exchanges, 1)
  })

  test(`docs/migration.md: ${under} gets an error, and no session, when WeChat refuses the code`, async (t) => {
    const { wechat, url, handled } = await start(t, kind)
    const alice = client(wechat.phone('alice'), url)
    wechat.fail({ errcode: 40029 })

    await t.throwsAsync(async () => alice.request('/orders'), { message: /login failed|http-error 401/ })

    t.is(alice.session, undefined)
    t.deepEqual(handled, [])
    t.is((await alice.request('/orders')).data.user.openId, wechat.user('alice').openId)
  })

  test(`docs/migration.md: beside ${under}, other clients are left alone`, async (t) => {
    const { wechat, url } = await start(t, kind)
    const { code } = await new Promise<{ code: string }>((success) =>
      wechat.phone('bob').wx.login({ success }),
    )
    const login = await fetch(`${url}/me?code=own`, {
      headers: { 'Weapp-Code': code, 'Weapp-Login': 'code' },
    })
    const session = login.headers.get('Weapp-Session') ?? ''
    const known = await fetch(`${url}/me`, { headers: { 'Weapp-Session': session } })

    t.is(login.headers.get('Weapp-Login'), 'accepted')
    t.deepEqual(((await login.json()) as { query: object }).query, { code: 'own' })
    t.is(((await known.json()) as { user: { openId: string } }).user.openId, wechat.user('bob').openId)
    t.is((await fetch(`${url}/me`)).status, 401)
  })
}

test('docs/migration.md: both clients of wafer log in with what WeChat has encrypted, and the name is there', async (t) => {
  const [wafer, wafer2] = KINDS as [Kind, Kind]
  const first = await start(t, wafer)
  const { data } = await waferClient(namedPhone(first.wechat, 'alice'), first.url).request('/orders')
  t.is(data.user.nickName, 'alice')

  const second = await start(t, wafer2)
  const userinfo = await wafer2Client(namedPhone(second.wechat, 'alice'), second.url).login()
  t.like(userinfo, { nickName: 'alice', openId: second.wechat.user('alice').openId })
})
