import test, { type ExecutionContext } from 'ava'
import { createSession } from '../../client/src/index.js'
import type { WxUserInfo } from '../../src/index.js'
import { startServer } from '../support/server.js'
import { until } from '../support/until.js'
import { CARRIERS, type CarrierName } from '../support/visitor.js'
import { scriptedPhone, WELCOME } from './support/scripted-phone.js'

const BASE = 'https://api.example.com'

interface Answer {
  user: WxUserInfo | null
}

for (const name of Object.keys(CARRIERS) as CarrierName[]) {
  test(`logout(), ${name}: the session ends on the server too`, async (t) => {
    const server = await startServer(t, { carrier: CARRIERS[name](), logoutPath: '/logout' })
    const phone = server.wechat.phone()
    const session = createSession({ baseUrl: server.url, wx: phone.wx, logoutPath: '/logout' })
    await session.request({ url: '/' })
    const headers = await session.headers()

    await session.logout()

    const { status } = await server.send(headers)
    t.is(status, 401)
    t.is((await session.request<Answer>({ url: '/' })).data.user?.openId, phone.user.openId)
  })
}

test('logout(): offline it is over here at once, and on the server when the network is back', async (t) => {
  const { server, phone, session, headers } = await loggedIn(t)

  phone.offline = true
  await session.logout()
  t.is((await server.send(headers)).status, 200)
  phone.offline = false

  await until(async () => (await server.send(headers)).status === 401)
  const key = `weapp-session:${server.wechat.appId}:release:${server.url}:ended`
  await until(() => phone.wx.getStorageSync(key) === '')
})

test('logout(): offline, and the program ends: the next launch tells the server', async (t) => {
  const { server, phone, session, headers } = await loggedIn(t)
  phone.offline = true
  await session.logout()
  phone.coldStart()
  phone.offline = false

  const next = createSession({ baseUrl: server.url, wx: phone.wx, logoutPath: '/logout' })
  await next.request({ url: '/' })

  await until(async () => (await server.send(headers)).status === 401)
  t.is((await next.request({ url: '/' })).statusCode, 200)
})

test('logout(): the store is away: the server is told after the next login', async (t) => {
  let isAway = true
  const told: string[] = []
  const phone = scriptedPhone({
    answer({ url, header }) {
      if (!url.endsWith('/logout')) return WELCOME
      told.push(header['Weapp-Code'] ?? '')
      return isAway ? { statusCode: 503 } : { statusCode: 200, data: { logout: 'done' } }
    },
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })
  await session.request({ url: '/' })
  await session.logout()
  t.deepEqual(told, ['code-1'])

  isAway = false
  await session.request({ url: '/' })
  await until(() => told.length === 2)

  t.deepEqual(told, ['code-1', 'code-1'])
  await until(() => ![...phone.storage.keys()].some((key) => key.endsWith(':ended')))
})

for (const [what, answer, isTold] of [
  ['the page of a hotel', { statusCode: 200, data: '<html>' }, false],
  ['a redirect to one', { statusCode: 302, data: '' }, false],
  ['a gateway in trouble', { statusCode: 502, data: '' }, false],
  ['a server that is asked too often', { statusCode: 429, data: '' }, false],
  ['the server', { statusCode: 200, data: { logout: 'done' } }, true],
  ['a server that knows no such session', { statusCode: 401, data: '' }, true],
  ['a server without that path', { statusCode: 404, data: '' }, true],
] as const) {
  test(`logout(): ${isTold ? 'it is done' : 'it is tried again'} when ${what} answers`, async (t) => {
    const phone = scriptedPhone({ answer: ({ url }) => (url.endsWith('/logout') ? answer : WELCOME) })
    const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })
    await session.request({ url: '/' })

    await session.logout()

    t.is([...phone.storage.keys()].filter((key) => key.endsWith(':ended')).length, isTold ? 0 : 1)
    t.false(phone.sent.some(({ url, isAborted }) => url.endsWith('/logout') && isAborted))
  })
}

test('logout(): it resolves while the server is silent, within three seconds', async (t) => {
  const phone = scriptedPhone({ answer: ({ url }) => (url.endsWith('/logout') ? undefined : WELCOME) })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })
  await session.request({ url: '/' })

  await session.logout()

  t.is([...phone.storage.keys()].filter((key) => key.endsWith(':ended')).length, 1)
})

test('logout(): without a session nobody is told anything', async (t) => {
  const phone = scriptedPhone()
  const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })

  await session.logout()

  t.is(phone.sent.length, 0)
})

test('logout(): nonsense in the storage costs nothing', async (t) => {
  const key = 'weapp-session:wx1:release:https://api.example.com:ended'
  for (const stored of ['text', [1, null, { a: 1 }, ['x']], { 0: {} }, 7]) {
    const phone = scriptedPhone({ stored: { [key]: stored } })
    const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })

    await session.request({ url: '/' })
    await session.logout()

    t.true(phone.sent.length >= 2)
  }
})

test('logout(): with storage that fails, the server is told all the same', async (t) => {
  const phone = scriptedPhone({
    answer: ({ url }) => (url.endsWith('/logout') ? { statusCode: 200, data: { logout: 'done' } } : WELCOME),
  })
  const fails = () => {
    throw new Error('full')
  }
  const wx = Object.assign({}, phone.wx, {
    setStorageSync: fails,
    getStorageSync: fails,
    removeStorageSync: fails,
  })
  const session = createSession({ baseUrl: BASE, wx, logoutPath: '/logout' })
  await session.request({ url: '/' })

  await session.logout()
  await session.logout()

  t.is(phone.sent.filter(({ url }) => url.endsWith('/logout')).length, 1)
})

test('logout(): of two users one after the other, each session ends', async (t) => {
  const { server, phone, session, headers } = await loggedIn(t)
  phone.offline = true
  await session.logout()
  phone.offline = false
  await session.request({ url: '/' })
  const second = await session.headers()

  await session.logout()

  await until(async () => (await server.send(headers)).status === 401)
  t.is((await server.send(second)).status, 401)
})

test('logoutPath: one at another origin is refused', (t) => {
  t.throws(() => createSession({ baseUrl: BASE, logoutPath: 'https://other.example.com/logout' }), {
    message: /logoutPath/,
  })
})

async function loggedIn(t: ExecutionContext) {
  const server = await startServer(t, { logoutPath: '/logout' })
  const phone = server.wechat.phone()
  const session = createSession({ baseUrl: server.url, wx: phone.wx, logoutPath: '/logout' })
  await session.request({ url: '/' })
  return { server, phone, session, headers: await session.headers() }
}
