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
  ['the 403 of a firewall', { statusCode: 403, data: '<html>' }, false],
  ['a deployment in which the path is missing', { statusCode: 404, data: '' }, false],
  [
    'a store that is away',
    { statusCode: 503, header: { 'Weapp-Session-Error': 'ERR_STORE_UNAVAILABLE' } },
    false,
  ],
  [
    'a server that knows no such session',
    { statusCode: 401, header: { 'Weapp-Session-Error': 'ERR_SESSION_EXPIRED' } },
    true,
  ],
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

test('logout(): in the middle of the first login, the session that this makes ends too', async (t) => {
  for (const name of ['code', 'header', 'jwt'] as const) {
    let goOn: (() => void) | undefined
    const server = await startServer(t, {
      carrier: CARRIERS[name](),
      logoutPath: '/logout',
      onLogin: () => new Promise<void>((resolve) => (goOn = resolve)),
    })
    const wx = server.wechat.phone().wx
    const heard: Record<string, string>[] = []
    const session = createSession({
      baseUrl: server.url,
      logoutPath: '/logout',
      wx: Object.assign({}, wx, {
        request(options: Parameters<typeof wx.request>[0]) {
          if (options.url.endsWith('/logout')) heard.push(options.header as Record<string, string>)
          return wx.request(options)
        },
      }),
    })
    const call = t.throwsAsync(session.request({ url: '/' }))
    await until(() => goOn !== undefined)

    await session.logout()
    goOn?.()
    await call
    await until(() => heard.length > 0)

    await until(async () => (await server.send(heard[0] ?? {})).status === 401)
  }
})

test('logout(): in the middle of a rotation, the credential that lives ends', async (t) => {
  let goOn = () => {}
  let rotated = ''
  const server = await startServer(t, {
    carrier: CARRIERS.header(),
    logoutPath: '/logout',
    async handler(ctx) {
      if (ctx.path === '/rotate') {
        await ctx.$wxSession?.rotate()
        await new Promise<void>((resolve) => (goOn = resolve))
      }
      ctx.body = 'done'
      ctx.res.once('close', () => {
        rotated = `${ctx.res.getHeader('Weapp-Session') ?? rotated}`
      })
    },
  })
  const { wx } = server.wechat.phone()
  const session = createSession({ baseUrl: server.url, wx, logoutPath: '/logout' })
  await session.request({ url: '/' })
  const call = t.throwsAsync(session.request({ url: '/rotate' }))
  await new Promise((resolve) => setTimeout(resolve, 50))

  await session.logout()
  goOn()
  await call

  await until(() => rotated !== '')
  await until(async () => (await server.send({ 'Weapp-Session': rotated })).status === 401)
})

test('logout(): what another copy has stored meanwhile ends too', async (t) => {
  const { server, phone, session, headers } = await loggedIn(t)
  await server.session.revoke(phone.user.openId)
  const other = createSession({ baseUrl: server.url, wx: phone.wx, logoutPath: '/logout' })
  await other.request({ url: '/' })
  const second = await other.headers()
  t.notDeepEqual(second, headers)

  await session.logout()

  t.is((await server.send(second)).status, 401)
})

test('logout(): of two credentials that came at once, both are told', async (t) => {
  const told: string[] = []
  const phone = scriptedPhone({
    answer({ url, header }) {
      if (url.endsWith('/logout')) told.push(`${header['Weapp-Session']}`)
      return url.endsWith('/logout') ? { statusCode: 200, data: { logout: 'done' } } : undefined
    },
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })
  const given = (name: string) => ({
    statusCode: 200,
    header: { 'Weapp-Login': 'accepted', 'Weapp-Session': name },
  })
  const first = session.request({ url: '/1' })
  await until(() => phone.sent.length === 1)
  phone.sent[0]?.answer(given('A'))
  await first
  const calls = [session.request({ url: '/2' }), session.request({ url: '/3' })]
  await until(() => phone.sent.length === 3)
  phone.sent[1]?.answer(given('B'))
  phone.sent[2]?.answer(given('C'))
  await Promise.all(calls)

  await session.logout()

  t.deepEqual(told.sort(), ['B', 'C'])
})

test('logout(): in a full storage that holds an ending already, both are told', async (t) => {
  const key = 'weapp-session:wx1:release:https://api.example.com:ended'
  const told: string[] = []
  const phone = scriptedPhone({
    stored: { [key]: [{ 'Weapp-Code': 'old' }] },
    answer({ url, header }) {
      if (!url.endsWith('/logout')) return WELCOME
      told.push(`${header['Weapp-Code']}`)
      return { statusCode: 200, data: { logout: 'done' } }
    },
  })
  const full = () => {
    throw new Error('the maximum size of the file storage limit is exceeded')
  }
  const wx = Object.assign({}, phone.wx, { setStorageSync: full, removeStorageSync: full })
  const session = createSession({ baseUrl: BASE, wx, logoutPath: '/logout' })
  await session.request({ url: '/' })

  await session.logout()

  t.deepEqual(told, ['old', 'code-1'])
})

test('logout(): one ending that fails for ever holds up no other, and no logout', async (t) => {
  const key = 'weapp-session:wx1:release:https://api.example.com:ended'
  const told: string[] = []
  const phone = scriptedPhone({
    stored: { [key]: [{ 'Weapp-Code': 'hangs' }] },
    answer({ url, header }) {
      if (!url.endsWith('/logout')) return WELCOME
      told.push(`${header['Weapp-Code']}`)
      return header['Weapp-Code'] === 'hangs' ? undefined : { statusCode: 200, data: { logout: 'done' } }
    },
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, logoutPath: '/logout' })
  await session.request({ url: '/' })

  await session.logout()

  t.deepEqual(told, ['hangs', 'code-1'])
})

test('logout(): a service that knows its users by itself is told nothing', async (t) => {
  const phone = scriptedPhone()
  const paths: string[] = []
  const wx = Object.assign({}, phone.wx, {
    cloud: {
      callContainer({ path, success }: { path: string; success(result: object): void }) {
        paths.push(path)
        success({ statusCode: 200, data: '' })
      },
    },
  })
  const session = createSession({
    cloud: { env: 'prod', service: 'a' },
    wx: wx as never,
    logoutPath: '/logout',
  })
  await session.request({ url: '/me' })

  await session.logout()

  t.deepEqual(paths, ['/me'])
})

test('logoutPath: one at another origin is refused', (t) => {
  t.throws(() => createSession({ baseUrl: BASE, logoutPath: 'https://other.example.com/logout' }), {
    message: 'origins: https://other.example.com/logout',
  })
})

async function loggedIn(t: ExecutionContext) {
  const server = await startServer(t, { logoutPath: '/logout' })
  const phone = server.wechat.phone()
  const session = createSession({ baseUrl: server.url, wx: phone.wx, logoutPath: '/logout' })
  await session.request({ url: '/' })
  return { server, phone, session, headers: await session.headers() }
}
