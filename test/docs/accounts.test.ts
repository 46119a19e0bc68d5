import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import Koa from 'koa'
import { createSession } from '../../client/src/index.js'
import type { Phone, Wechat } from '../../simulator/src/index.js'
import { type WeappSession, weappSession } from '../../src/index.js'
import { namesAreSources } from '../support/package-names.js'
import { listen } from '../support/server.js'
import { startWechat } from '../support/wechat.js'
import { readPage, root } from './support/markdown.js'
import { blockOf, loadBlock } from './support/run-block.js'

/** What docs/accounts.md, docs/phone-numbers.md and docs/several-apps.md print is run, or is in an example that is. */

namesAreSources()

for (const path of ['docs/accounts.md', 'docs/zh/accounts.md']) {
  test(`${path}: what it prints of the example is in the example`, (t) => {
    const excerpts = readPage(path).blocks.filter(({ note }) => note.startsWith('examples/'))

    t.is(excerpts.length, 4)
    for (const { note, text, where } of excerpts) {
      const example = plain(readFileSync(join(root, note), 'utf8'))
      t.true(example.includes(plain(text)), where)
    }
  })
}

test('docs/accounts.md: the first login makes an account, and the next finds it', async (t) => {
  const wechat = startWechat(t)
  const { install, app } = await installed(t, wechat, 'docs/accounts.md', 'An account for everybody')
  install(app, wechat.appId, wechat.appSecret)
  app.use((ctx) => {
    ctx.body = { accountId: ctx.$wxSession?.data.accountId }
  })
  const url = await listen(t, app)
  const accountOf = (user: string) => call(wechat.phone(user), url, '/me')

  const [phone, tablet, other] = [await accountOf('alice'), await accountOf('alice'), await accountOf('bob')]

  t.regex(phone.data.accountId, /^[\da-f-]{36}$/)
  t.is(tablet.data.accountId, phone.data.accountId)
  t.not(other.data.accountId, phone.data.accountId)
})

test('docs/phone-numbers.md: the route gives the number, and a made-up code logs nobody out', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new Koa()
  app.silent = true
  app.use(weappSession({ appId, appSecret, wechat: { fetch } }))
  const text = blockOf('docs/phone-numbers.md', 'The route')
  const install = await loadBlock<(app: Koa) => void>(t, `${text}\napp.use(router.routes())`, ['app'])
  install(app)
  const url = await listen(t, app)
  const alice = wechat.phone('alice')
  const { request } = createSession({ baseUrl: url, wx: alice.wx })
  const send = async (code: string) => {
    const { statusCode, data } = await request<{ phoneNumber?: string }>({
      url: '/phone',
      method: 'POST',
      data: { code },
    })
    return { statusCode, data }
  }

  const code = alice.requestUserPhoneCode()
  const [first, again] = [await send(code), await send(code)]
  const madeUp = await send('made-up')

  t.regex(first.data.phoneNumber ?? '', /^1\d{10}$/)
  t.deepEqual(again, first)
  t.is(madeUp.statusCode, 400)
  t.is((await send(alice.requestUserPhoneCode())).statusCode, 200)
  t.is(wechat.exchanges, 1)
})

test.serial('docs/several-apps.md: a user is of the program that WeChat says', async (t) => {
  const [shop, staff] = startTwo(t)
  const { install, app, session } = await installed(
    t,
    both(shop, staff),
    'docs/several-apps.md',
    'The server',
  )
  install(app, '', '')
  const url = await listen(t, app)
  const [inShop, atWork] = [shop.phone('alice'), staff.phone('alice')]

  t.deepEqual((await call(inShop, url, '/')).data, { program: 'shop', openId: inShop.user.openId })
  t.deepEqual((await call(atWork, url, '/')).data, { program: 'staff', openId: atWork.user.openId })
  t.not(inShop.user.openId, atWork.user.openId)

  const stranger = await fetch(url, {
    headers: { 'Weapp-AppId': 'wx-other', 'Weapp-Code': 'c', 'Weapp-Login': 'code' },
  })
  t.deepEqual([stranger.status, stranger.headers.get('Weapp-Session-Error')], [400, 'ERR_BAD_REQUEST'])

  // revoke() is for an openId: the same person at work stays.
  const worker = createSession({ baseUrl: url, wx: staff.phone('alice').wx, appId: true })
  await worker.request({ url: '/' })
  const exchanges = staff.exchanges
  await session().revoke(inShop.user.openId)
  await worker.request({ url: '/' })
  t.is(staff.exchanges, exchanges)
  await session().revoke(atWork.user.openId)
  await worker.request({ url: '/' })
  t.is(staff.exchanges, exchanges + 1)
})

test.serial('docs/several-apps.md: two with options of their own', async (t) => {
  const [shop, staff] = startTwo(t)
  const page = 'docs/several-apps.md'
  const { install, app } = await installed(t, both(shop, staff), page, 'Other options for one of them')
  install(app, '', '')
  app.use((ctx) => {
    const { expiresAt = 0, createdAt = 0 } = ctx.$wxSession ?? {}
    ctx.body = { appId: ctx.$wxUserInfo?.appId, ttl: (Number(expiresAt) - Number(createdAt)) / 1000 }
  })
  const url = await listen(t, app)

  const { data: inShop } = await call(shop.phone('alice'), url, '/me')
  const { data: atWork } = await call(staff.phone('alice'), `${url}/staff/`, '/me')

  t.deepEqual(
    [inShop, atWork],
    [
      { appId: shop.appId, ttl: 7 * 24 * 3600 },
      { appId: staff.appId, ttl: 3600 },
    ],
  )
})

/** An example on a server of its own, at a simulated WeChat. */
async function installed(t: ExecutionContext, wechat: Pick<Wechat, 'fetch'>, path: string, under: string) {
  const made: WeappSession[] = []
  const name = `weapp${randomBytes(8).toString('hex')}`
  Object.assign(globalThis, {
    [name]: (options: Parameters<typeof weappSession>[0]) => {
      const session = weappSession({ ...options, wechat: { fetch: wechat.fetch } })
      made.push(session)
      return session
    },
  })
  const text = blockOf(path, under).replaceAll('weappSession({', `globalThis.${name}({`)
  const install = await loadBlock<(app: Koa, appId: string, appSecret: string) => void>(t, text, [
    'app',
    'appId',
    'appSecret',
  ])
  return { install, app: new Koa(), session: () => made[0] as WeappSession }
}

/** The programs of one Open Platform account, whose ids are in the environment. */
function startTwo(t: ExecutionContext): [shop: Wechat, staff: Wechat] {
  const [shop, staff] = [startWechat(t, { unionIds: true }), startWechat(t, { unionIds: true })]
  Object.assign(process.env, {
    SHOP_ID: shop.appId,
    SHOP_SECRET: shop.appSecret,
    STAFF_ID: staff.appId,
    STAFF_SECRET: staff.appSecret,
  })
  return [shop, staff]
}

/** The real WeChat knows both; the simulated ones know one each. */
function both(shop: Wechat, staff: Wechat): Pick<Wechat, 'fetch'> {
  return { fetch: (url, init) => (String(url).includes(shop.appId) ? shop : staff).fetch(url, init) }
}

// biome-ignore lint/suspicious/noExplicitAny: what each example answers is its own.
function call({ wx }: Phone, baseUrl: string, url: string): PromiseLike<{ data: any }> {
  return createSession({ baseUrl, wx, appId: true }).request({ url })
}

/** Without comments, and without what lines begin with. */
function plain(code: string): string {
  const lines = code.split('\n').map((line) => line.trim())
  return lines.filter((line) => !line.startsWith('//')).join('\n')
}
