import test from 'ava'
import { createSession, type SessionError } from '../../client/src/index.js'
import type { WxUserInfo } from '../../src/index.js'
import { startServer } from '../support/server.js'
import { until } from '../support/until.js'
import { scriptedPhone, WELCOME } from './support/scripted-phone.js'

interface Answer {
  user: WxUserInfo | null
}

const BASE = 'https://api.example.com'

test("session: 'none': a call goes out as it is, once, without the session, its cookies and the appId", async (t) => {
  const phone = scriptedPhone({
    answer: ({ url }) =>
      url.endsWith('/login')
        ? { statusCode: 200, header: { 'Weapp-Login': 'accepted', 'Set-Cookie': 'a=1; Path=/' } }
        : {
            statusCode: 401,
            data: { reason: 'mine' },
            header: { 'Weapp-Session-Error': 'ERR_SESSION_EXPIRED' },
          },
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, appId: true })
  await session.request({ url: '/login' })

  const { statusCode } = await session.request({ url: '/open', session: 'none', header: { 'X-Own': '1' } })

  t.is(statusCode, 401)
  t.deepEqual(phone.sent.at(-1)?.header, { 'X-Own': '1' })
  t.is(phone.counts.login, 1)
})

test("session: 'none': the logout of a user does not end it", async (t) => {
  const phone = scriptedPhone({ answer: () => undefined })
  const session = createSession({ baseUrl: BASE, wx: phone.wx })

  const call = session.request({ url: '/open', session: 'none' })
  await session.logout()
  phone.sent[0]?.answer({ statusCode: 200, data: 'open' })

  t.is((await call).data, 'open')
})

for (const kind of ['fails', 'is missing', 'throws'] as const) {
  test(`session: 'optional': where wx.login ${kind}, 50 calls go out without a session, at once`, async (t) => {
    const phone = scriptedPhone({ answer: () => ({ statusCode: 200, data: 'public' }) })
    const login = {
      fails: ({ fail }: Parameters<typeof phone.wx.login>[0]) => fail?.({ errMsg: 'login:fail single page' }),
      'is missing': undefined as never,
      throws() {
        throw new Error('not here')
      },
    }[kind]
    const wx = Object.assign({}, phone.wx, { login })
    const session = createSession({ baseUrl: BASE, wx })

    const startedAt = performance.now()
    const calls = Array.from({ length: 50 }, (_, n) => session.request({ url: `/${n}`, session: 'optional' }))
    for (const call of calls) t.is((await call).data, 'public')

    t.true(phone.sent.every(({ header }) => Object.keys(header).length === 0))
    t.is(phone.sent.length, 50)
    t.log(`${Math.round(performance.now() - startedAt)} ms`)
    // The pages that need a user say why they have none.
    const error = await t.throwsAsync<SessionError>(session.request({ url: '/mine' }))
    t.is(error.code, 'ERR_LOGIN')
  })
}

test("session: 'optional': no call waits for a login that has failed lately", async (t) => {
  const phone = scriptedPhone({ answer: () => ({ statusCode: 200 }) })
  let logins = 0
  const wx = Object.assign({}, phone.wx, {
    login({ fail }: Parameters<typeof phone.wx.login>[0]) {
      logins++
      fail?.({ errMsg: 'login:fail' })
    },
  })
  const session = createSession({ baseUrl: BASE, wx })
  await session.request({ url: '/', session: 'optional' })

  // No timer of a pause can have run meanwhile.
  const calls = Array.from({ length: 20 }, () => session.request({ url: '/', session: 'optional' }))
  let isTurnOver = false
  setTimeout(() => {
    isTurnOver = true
  }, 0)
  await Promise.all(calls)

  t.false(isTurnOver)
  t.is(logins, 1)
})

test("session: 'optional': it logs in like any other, and carries the session", async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = wechat.phone()
  const session = createSession({ baseUrl: url, wx: phone.wx })

  const calls = Array.from({ length: 20 }, () => session.request<Answer>({ url: '/', session: 'optional' }))

  for (const call of calls) t.is((await call).data.user?.openId, phone.user.openId)
  t.is(phone.counts.login, 1)
})

for (const loginPath of [undefined, '/login']) {
  const title = loginPath ? ', with loginPath' : ''
  test(`session: 'optional': who may not log in is a guest${title}`, async (t) => {
    const { url, wechat } = await startServer(t, { ...(loginPath && { loginPath }) })
    const phone = wechat.phone()
    wechat.fail({ errcode: 40226 }, { times: 10 })
    const session = createSession({ baseUrl: url, wx: phone.wx, ...(loginPath && { loginPath }) })

    const { statusCode, data } = await session.request<Answer>({
      url: '/',
      method: 'POST',
      session: 'optional',
    })
    t.deepEqual([statusCode, data.user], [200, null])

    const error = await t.throwsAsync<SessionError>(session.request({ url: '/' }))
    t.is(error.status, 403)
  })
}

test("session: 'optional': a store that is away is no reason to be a guest", async (t) => {
  const phone = scriptedPhone({
    answer: ({ header }) =>
      header['Weapp-Login']
        ? WELCOME
        : { statusCode: 503, header: { 'Weapp-Session-Error': 'ERR_STORE_UNAVAILABLE' } },
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx })
  await session.login()

  const error = await t.throwsAsync<SessionError>(
    session.request({ url: '/', method: 'POST', session: 'optional' }),
  )

  t.is(error.reason, 'ERR_STORE_UNAVAILABLE')
})

test("session: 'optional': a store that is away at the login makes nobody a guest", async (t) => {
  for (const method of ['GET', 'POST'] as const) {
    const phone = scriptedPhone({
      answer: ({ header }) =>
        header['Weapp-Login']
          ? { statusCode: 503, header: { 'Weapp-Session-Error': 'ERR_STORE_UNAVAILABLE' } }
          : { statusCode: 200, data: 'guest' },
    })
    const session = createSession({ baseUrl: BASE, wx: phone.wx })
    const calls = Array.from({ length: 3 }, () => session.request({ url: '/', method, session: 'optional' }))

    for (const call of calls) {
      const error = await t.throwsAsync<SessionError>(call)
      t.is(error.reason, 'ERR_STORE_UNAVAILABLE')
    }
  }
})

test("session: 'optional': what a handler may have seen is not sent again", async (t) => {
  for (const reason of ['ERR_SESSION_CONFLICT', 'ERR_OF_TOMORROW']) {
    const phone = scriptedPhone({
      answer: () => ({ statusCode: 409, header: { 'Weapp-Session-Error': reason } }),
    })
    const session = createSession({ baseUrl: BASE, wx: phone.wx })

    await t.throwsAsync(session.request({ url: '/', method: 'POST', session: 'optional' }))

    t.is(phone.sent.length, 1)
  }
})

test("session: 'optional': where nothing answers the login, it goes out without, in good time", async (t) => {
  const phone = scriptedPhone({
    answer: ({ url }) => (url.endsWith('/login') ? undefined : { statusCode: 200, data: 'public' }),
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, loginPath: '/login', loginTimeout: 50 })

  t.is((await session.request({ url: '/', session: 'optional' })).data, 'public')
})

test("session: 'optional': one that goes out without a session runs on at a logout", async (t) => {
  const phone = scriptedPhone({ answer: () => undefined })
  const wx = Object.assign({}, phone.wx, {
    login: ({ fail }: Parameters<typeof phone.wx.login>[0]) => fail?.({ errMsg: 'login:fail' }),
  })
  const session = createSession({ baseUrl: BASE, wx })
  const call = session.request({ url: '/', session: 'optional' })
  await until(() => phone.sent.length === 1)

  await session.logout()
  phone.sent[0]?.answer({ statusCode: 200, data: 'public' })

  t.is((await call).data, 'public')
})

test("session: 'optional': an upload, a download and a socket go out without one too", async (t) => {
  const phone = scriptedPhone({ answer: () => ({ statusCode: 200 }) })
  const wx = Object.assign({}, phone.wx, {
    login: ({ fail }: Parameters<typeof phone.wx.login>[0]) => fail?.({ errMsg: 'login:fail' }),
  })
  const session = createSession({ baseUrl: BASE, wx })

  await session.uploadFile({ url: '/up', filePath: 'a', name: 'a', session: 'optional' })
  await session.downloadFile({ url: '/down', session: 'optional' })
  await session.connectSocket({ url: '/socket', session: 'optional' })

  t.deepEqual(
    phone.sent.map(({ api }) => api),
    ['uploadFile', 'downloadFile', 'connectSocket'],
  )
})

test('session: what it cannot be is said', async (t) => {
  const phone = scriptedPhone()
  const session = createSession({ baseUrl: BASE, wx: phone.wx })

  const error = await t.throwsAsync<SessionError>(session.request({ url: '/', session: 'maybe' as 'none' }))

  t.is(error.code, 'ERR_OPTIONS')
  t.regex(error.message, /session cannot be maybe/)
  t.is(phone.sent.length, 0)
})

test('headers(): what a request there carries; nothing at other origins', async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = wechat.phone()
  const session = createSession({ baseUrl: url, wx: phone.wx, appId: true })

  const header = await session.headers('/me')

  t.is(phone.counts.login, 1)
  t.deepEqual(Object.keys(header).sort(), ['Weapp-AppId', 'Weapp-Code'])
  const response = await fetch(`${url}/me`, { headers: header })
  t.is(((await response.json()) as Answer).user?.openId, phone.user.openId)
  t.deepEqual(await session.headers(), header)
  t.deepEqual(await session.headers('https://other.example.com/'), {})
  t.is(phone.counts.login, 1)
})

test('headers(): what a URL parser takes to another host gets nothing', async (t) => {
  const { wx } = scriptedPhone()
  const session = createSession({ baseUrl: BASE, wx })
  await session.login()
  const odd = [' https://evil.com/', '\thttps://evil.com/', 'https:\\\\evil.com/', 'https:/\\evil.com']
  odd.push(
    'https:/\n/evil.com',
    '//evil.com/',
    '\\\\evil.com',
    '/\\evil.com',
    'https:///evil.com',
    'https:evil.com',
  )

  for (const url of odd) t.deepEqual(await session.headers(url), {}, JSON.stringify(url))
  for (const url of ['', '/', 'me', '/me?at=10:30&to=//x', '?q=1', `${BASE}/me`])
    t.deepEqual(await session.headers(url), { 'Weapp-Code': 'code-1' }, url)
})

test('cancelAll(): every call that runs is aborted; the next ones are not', async (t) => {
  const phone = scriptedPhone({ answer: ({ header }) => (header['Weapp-Login'] ? WELCOME : undefined) })
  const session = createSession({ baseUrl: BASE, wx: phone.wx })
  await session.login()
  const calls = [
    session.request({ url: '/slow' }),
    session.request({ url: '/open', session: 'none' }),
    session.uploadFile({ url: '/up', filePath: 'a', name: 'a' }),
    session.request({ url: 'https://other.example.com/' }),
  ]
  const outcomes = Promise.all(calls.map((call) => t.throwsAsync<SessionError>(call)))
  await new Promise(setImmediate)

  session.cancelAll()

  for (const { code } of await outcomes) t.is(code, 'ERR_ABORTED')
  t.true(phone.sent.slice(1).every(({ isAborted }) => isAborted))
  const next = session.request({ url: '/next' })
  await new Promise(setImmediate)
  phone.sent.at(-1)?.answer({ statusCode: 200, data: 'there' })
  t.is((await next).data, 'there')
})

test('cancelAll(): of calls that wait for a login, too, and the next call logs in', async (t) => {
  let isSlow = true
  const phone = scriptedPhone({ answer: () => (isSlow ? undefined : WELCOME) })
  const session = createSession({ baseUrl: BASE, wx: phone.wx })
  const calls = Array.from({ length: 20 }, () => t.throwsAsync<SessionError>(session.request({ url: '/' })))
  await new Promise(setImmediate)

  session.cancelAll()
  for (const { code } of await Promise.all(calls)) t.is(code, 'ERR_ABORTED')

  isSlow = false
  t.is((await session.request({ url: '/' })).data, 'welcome')
})
