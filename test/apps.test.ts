import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import supertest, { type Response } from 'supertest'
import type { Wechat } from '../simulator/src/index.js'
import { memoryStore, type WeappSessionOptions, weappSession } from '../src/index.js'
import { answer, isRefused, listen } from './support/server.js'
import { CARRIERS, type CarrierName, kept } from './support/visitor.js'
import { codeLoginHeaders, codeOnly, startWechat } from './support/wechat.js'

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  test(`apps, ${carrier}: sessions of two mini programs never cross`, async (t) => {
    const { one, other, send } = await start(t, { carrier: CARRIERS[carrier]() })
    const headers = await codeLoginHeaders(one.phone('alice'))
    const login = await send({ ...headers, 'X-WX-AppId': one.appId })
    const credential = { ...codeOnly(headers), ...kept(login) }

    t.is(login.body.user.openId, one.user('alice').openId)
    t.is((await send({ ...credential, 'X-WX-AppId': one.appId })).status, 200)
    isRefused(t, await send({ ...credential, 'X-WX-AppId': other.appId }), 'ERR_SESSION_EXPIRED', 401)
  })
}

/** The two ways in which a request says of which mini program it is. */
const NAMINGS = {
  header: (wechat: Wechat) => ({ 'X-WX-AppId': wechat.appId }),
  Referer: (wechat: Wechat) => ({ Referer: `https://servicewechat.com/${wechat.appId}/12/page-frame.html` }),
}

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  for (const naming of Object.keys(NAMINGS) as (keyof typeof NAMINGS)[]) {
    test(`apps, ${carrier}, ${naming}: the user is of the mini program of the session, whatever a header says`, async (t) => {
      const wechats = await start(t, { carrier: CARRIERS[carrier]() })
      for (const [own, other] of [
        [wechats.one, wechats.other],
        [wechats.other, wechats.one],
      ] as const) {
        const headers = await codeLoginHeaders(own.phone('alice'))
        const login = await wechats.send({ ...headers, ...NAMINGS[naming](own) })
        const credential = { ...codeOnly(headers), ...kept(login) }
        const answers = [login]
        for (const by of Object.values(NAMINGS))
          answers.push(await wechats.send({ ...credential, ...by(own) }))
        // The header decides where to look. The other's user is never found there.
        const torn = { ...NAMINGS.header(own), ...NAMINGS.Referer(other) }
        answers.push(await wechats.send({ ...credential, ...torn }))

        for (const { status, body } of answers) {
          t.deepEqual(
            [status, body.user?.appId, body.user?.openId],
            [200, own.appId, own.user('alice').openId],
          )
        }
        for (const by of Object.values(NAMINGS)) {
          isRefused(t, await wechats.send({ ...credential, ...by(other) }), 'ERR_SESSION_EXPIRED', 401)
        }
      }
    })
  }
}

test('apps: a code of one mini program is refused by the other', async (t) => {
  const { one, other, send } = await start(t)
  const headers = await codeLoginHeaders(one.phone('alice'))

  const response = await send({ ...headers, 'X-WX-AppId': other.appId })

  isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
})

test('apps: without the header, the Referer of WeChat names the mini program', async (t) => {
  const { one, other, send } = await start(t)
  for (const wechat of [one, other]) {
    const headers = await codeLoginHeaders(wechat.phone('alice'))
    const Referer = `https://servicewechat.com/${wechat.appId}/12/page-frame.html`

    const response = await send({ ...headers, Referer })

    t.is(response.body.user.openId, wechat.user('alice').openId)
  }
})

test('apps: an appId of none of them is refused before anybody is asked, and guests go on', async (t) => {
  const { one, send } = await start(t)
  const headers = await codeLoginHeaders(one.phone('alice'))

  for (const app of [{}, { 'X-WX-AppId': 'wx-of-somebody-else' }, { 'X-WX-AppId': '__proto__' }]) {
    isRefused(t, await send({ ...headers, ...app }), 'ERR_BAD_REQUEST', 400)
    isRefused(t, await send({ ...codeOnly(headers), ...app }), 'ERR_BAD_REQUEST', 400)
    t.is((await send(app as Record<string, string>)).status, 200)
  }
  t.is(one.exchanges, 0)
})

test('appIdOf: a function may name the mini program', async (t) => {
  const { one, other, send } = await start(t, {}, (wechats) => ({
    appIdOf: (ctx: Context) => (ctx.path === '/one' ? wechats[0] : wechats[1])?.appId,
  }))

  const first = await send(await codeLoginHeaders(one.phone('alice')), '/one')
  const second = await send(await codeLoginHeaders(other.phone('alice')), '/other')

  t.is(first.body.user.openId, one.user('alice').openId)
  t.is(second.body.user.openId, other.user('alice').openId)
})

test('revoke(): it finds the user in whichever of the apps it is', async (t) => {
  const { one, other, send, session } = await start(t)
  const [alice, bob] = [
    await codeLoginHeaders(one.phone('alice')),
    await codeLoginHeaders(other.phone('bob')),
  ]
  await send({ ...alice, 'X-WX-AppId': one.appId })
  await send({ ...bob, 'X-WX-AppId': other.appId })

  await session.revoke(other.user('bob').openId)

  t.is((await send({ ...codeOnly(alice), 'X-WX-AppId': one.appId })).status, 200)
  const gone = await send({ ...codeOnly(bob), 'X-WX-AppId': other.appId })
  isRefused(t, gone, 'ERR_SESSION_EXPIRED', 401)
})

for (const [name, apps, message] of [
  ['no apps', {}, /apps must have/],
  ['an app without a secret', { wx1: '' }, /apps must have/],
  ['apps that are none', 'wx1', /apps must have/],
] as const) {
  test(`apps: at start-up, ${name} is a mistake that is named`, (t) => {
    t.throws(() => weappSession({ apps } as unknown as WeappSessionOptions), {
      instanceOf: TypeError,
      message,
    })
  })
}

test('apps: beside an appId they are a mistake that is named at start-up', (t) => {
  t.throws(() => weappSession({ appId: 'wx1', appSecret: 's', apps: { wx2: 's' } }), {
    message: /either appId and appSecret, or apps/,
  })
})

interface TwoApps {
  one: Wechat
  other: Wechat
  session: ReturnType<typeof weappSession>
  send(headers: Record<string, string>, path?: string): Promise<Response>
}

/** One server of two mini programs, on one store. */
async function start(
  t: ExecutionContext,
  options: Partial<WeappSessionOptions> = {},
  more: (wechats: [Wechat, Wechat]) => Partial<WeappSessionOptions> = () => ({}),
): Promise<TwoApps> {
  const [one, other] = [startWechat(t), startWechat(t)]
  const session = weappSession({
    apps: { [one.appId]: one.appSecret, [other.appId]: other.appSecret },
    store: memoryStore(),
    // There is one WeChat; here it has two halves.
    wechat: { fetch: (url, init) => (String(url).includes(one.appId) ? one : other).fetch(url, init) },
    ...options,
    ...more([one, other]),
  })
  const app = new Koa()
  app.silent = true
  app.use(session)
  app.use(answerLoaded)
  const url = await listen(t, app)
  return { one, other, session, send: async (headers, path = '/') => supertest(url).get(path).set(headers) }
}

async function answerLoaded(ctx: Context): Promise<void> {
  await ctx.$wxSession?.load()
  answer(ctx)
}
