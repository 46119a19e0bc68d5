import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { install } from '@sinonjs/fake-timers'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import request, { createSession, type SessionError, type SessionOptions } from '../../client/src/index.js'
import { takeDate } from '../support/own-date.js'
import type { TestServerOptions } from '../support/server.js'
import { startServer } from '../support/server.js'
import { CARRIERS, type CarrierName } from '../support/visitor.js'
import { startWechat } from '../support/wechat.js'
import { start } from './support/client-calls.js'
import { isLogin } from './support/model-server.js'
import { type Reply, type Script, scriptedPhone } from './support/scripted-phone.js'

interface Body {
  user: { openId: string } | null
  data: Record<string, string>
}

/** What a request of each carrier names its session by. */
const NAMED_BY: Record<CarrierName, string> = {
  code: 'weapp-code',
  header: 'weapp-session',
  cookie: 'cookie',
  jwt: 'authorization',
}

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  const begin = (t: ExecutionContext, options: TestServerOptions = {}, sessionOptions: SessionOptions = {}) =>
    start(
      t,
      { carrier: CARRIERS[carrier](), handler: serve, ...options },
      { storageKey: 'kept', ...sessionOptions },
    )
  const name = (what: string) => `${carrier}: ${what}`

  test(name('createSession(): a login, and then requests with what it gave'), async (t) => {
    const { session, phone, heard } = await begin(t)
    const changes: boolean[] = []
    session.onChange((isLoggedIn) => changes.push(isLoggedIn))

    const answers = await Promise.all([1, 2, 3].map(() => session.request<Body>({ url: '/' })))
    answers.push(await session.request<Body>({ url: '/' }))

    t.deepEqual(
      answers.map(({ data }) => data.user?.openId),
      Array(4).fill(phone.user.openId),
    )
    t.deepEqual(heard.map(isALogin), [true, false, false, false])
    t.true(heard.slice(1).every((headers) => NAMED_BY[carrier] in headers))
    if (carrier !== 'code' && carrier !== 'cookie')
      t.false(heard.slice(1).some((headers) => 'weapp-code' in headers))
    t.is(phone.counts.login, 1)
    t.deepEqual(changes, [true])
  })

  test(name('createSession(): a session is found at the next launch'), async (t) => {
    const { session, phone, url } = await begin(t)
    await session.request({ url: '/' })

    phone.coldStart()
    const next = createSession({ baseUrl: url, wx: phone.wx, storageKey: 'kept' })
    const { data } = await next.request<Body>({ url: '/' })

    t.is(data.user?.openId, phone.user.openId)
    t.is(phone.counts.login, 1)
  })

  test.serial(
    name(
      'ERR_SESSION_EXPIRED: when a session has expired all calls share one login, and none goes out without a session',
    ),
    async (t) => {
      const { session, phone } = await begin(t, { ttl: 3 })
      await session.request({ url: '/' })
      takeDate(t).pass(3100)

      const answers = await Promise.all([1, 2, 3, 4].map(() => session.request<Body>({ url: '/' })))

      t.true(answers.every(({ data }) => data.user?.openId === phone.user.openId))
      t.is(phone.counts.login, 2)
    },
  )

  test(name('ERR_SESSION_EXPIRED: when a session was revoked all calls share one login'), async (t) => {
    const { session, phone, server } = await begin(t, {}, {})
    await session.request({ url: '/who' })
    await server.revoke(phone.user.openId)

    const answers = await Promise.all([1, 2, 3, 4].map(() => session.request<Body>({ url: '/' })))

    t.true(answers.every(({ data }) => data.user?.openId === phone.user.openId))
    t.is(phone.counts.login, 2)
  })

  test(name('logout(): after a logout nothing of the session is sent or kept'), async (t) => {
    const { session, phone, heard } = await begin(t)
    await session.request({ url: '/' })
    await session.request({ url: '/' })
    const old = heard.at(-1)?.[NAMED_BY[carrier]]

    await session.logout()
    t.deepEqual(phone.wx.getStorageSync('kept'), '')
    await session.request({ url: '/' })

    t.true(isALogin(heard.at(-1) ?? {}))
    t.is(heard.at(-1)?.cookie, undefined)
    t.not(heard.at(-1)?.[NAMED_BY[carrier]], old)
    t.is(phone.counts.login, 2)
  })

  for (const api of ['uploadFile', 'downloadFile'] as const) {
    test(name(`createSession(): the first call is ${api}`), async (t) => {
      const { session, phone } = await begin(t)
      phone.files.write('wxfile://f', 'hello')
      const { statusCode } =
        api === 'downloadFile'
          ? await session.downloadFile({ url: '/' })
          : await session.uploadFile({ url: '/', filePath: 'wxfile://f', name: 'file' })

      t.is(statusCode, 200)
      t.is((await session.request<Body>({ url: '/' })).data.user?.openId, phone.user.openId)
      t.is(phone.counts.login, 1)
    })
  }

  test(
    name('rotate(): a new credential beside parallel requests needs no login, and loses nothing'),
    async (t) => {
      const { session, phone, heard } = await begin(t)
      await session.request({ url: '/' })
      // With tokens it is the handler who notices that the session has moved, and its POST is not repeated.
      const method = carrier === 'jwt' ? 'GET' : 'POST'

      for (let round = 0; round < 5; round++) {
        const urls = ['/', '/slow', `/rotate?n=${round}`, '/', '/late', '/']
        const answers = await Promise.all(urls.map((url) => session.request<Body>({ url, method })))
        t.true(answers.every(({ data }) => data.user?.openId === phone.user.openId))
      }
      const { data } = await session.request<Body>({ url: '/' })

      t.is(data.data.n, '4')
      t.is(phone.counts.login, 1)
      t.is(heard.filter(isALogin).length, 1)
    },
  )

  test(name('rotate(): an upload or a download may bring the new credential'), async (t) => {
    const { session, phone } = await begin(t)
    phone.files.write('wxfile://f', 'hello')
    await session.request({ url: '/' })

    await session.downloadFile({ url: '/rotate?n=1' })
    await session.uploadFile({ url: '/rotate?n=2', filePath: 'wxfile://f', name: 'file' })
    const { data } = await session.request<Body>({ url: '/' })

    t.is(data.data.n, '2')
    t.is(phone.counts.login, 1)
  })

  test(name('loginPath: a login on its own path'), async (t) => {
    const { session, phone, heard } = await begin(t, { loginPath: '/login' }, { loginPath: '/login' })

    const [one, two] = await Promise.all([
      session.request<Body>({ url: '/', method: 'POST' }),
      session.request<Body>({ url: '/' }),
    ])
    const { statusCode } = await session.downloadFile({ url: '/' })

    t.deepEqual(
      [one, two].map(({ data }) => data.user?.openId),
      [phone.user.openId, phone.user.openId],
    )
    t.is(statusCode, 200)
    t.deepEqual([phone.counts.login, phone.counts.request], [1, 3])
    t.false(heard.some(isALogin))
  })
}

test('request(): the drop-in learns what a server gives', async (t) => {
  const phone = scriptedPhone({ answer: (_, n) => ok(n === 1 ? { 'weapp-session': 'id-1' } : {}) })
  const { wx } = globalThis as { wx?: unknown }
  Object.assign(globalThis, { wx: phone.wx })
  t.teardown(() => Object.assign(globalThis, { wx }))

  await request({ url: 'https://api.example.com/' })
  await request({ url: 'https://api.example.com/' })

  t.deepEqual(phone.sent[1]?.header, { 'X-WX-Session': 'id-1' })
  t.like([...phone.storage.values()][0], { v: 2, header: { 'X-WX-Session': 'id-1' } })
})

test('Authorization: a token is kept as it is sent, and written once', async (t) => {
  const { phone, session } = scripted({ answer: (_, n) => ok(n === 1 ? { 'Weapp-Token': 'a.b.c' } : {}) })

  await session.request({ url: '/' })
  await session.request({ url: '/' })

  t.deepEqual(phone.sent[1]?.header, { Authorization: 'Bearer a.b.c' })
  t.like(phone.storage.get('kept'), { v: 2, header: { Authorization: 'Bearer a.b.c' } })
})

test("Authorization: the app's own Authorization goes out as it is, and the session stays out of it", async (t) => {
  const header = { 'Weapp-Session-Error': 'ERR_SESSION_EXPIRED', 'Weapp-Token': 'of the app' }
  const refusal = { statusCode: 401, header }
  const { phone, session } = scripted({
    answer: ({ header }, n) =>
      header.authorization === 'Basic x' ? refusal : ok(n === 1 ? { 'weapp-token': 't' } : {}),
  })
  await session.request({ url: '/' })

  const { statusCode } = await session.request({ url: '/', header: { authorization: 'Basic x' } })
  await session.request({ url: '/' })

  t.is(statusCode, 401)
  t.deepEqual(
    phone.sent.slice(1).map(({ header }) => header),
    [{ authorization: 'Basic x' }, { Authorization: 'Bearer t' }],
  )
  t.is(phone.counts.login, 1)
})

test('rolling: an answer that renews is no login, and onChange is not called', async (t) => {
  const changes: boolean[] = []
  const { phone, session } = scripted({ answer: (_, n) => ok({ 'Weapp-Session': `id-${n}` }) })
  session.onChange((isLoggedIn) => changes.push(isLoggedIn))

  for (const url of ['/1', '/2', '/3']) await session.request({ url })

  t.deepEqual(changes, [true])
  t.deepEqual(
    phone.sent.slice(1).map(({ header }) => header),
    [{ 'Weapp-Session': 'id-1' }, { 'Weapp-Session': 'id-2' }],
  )
})

test.serial('X-WX-Session: a late answer of an old session brings nothing to the new one', async (t) => {
  const { phone, session } = scripted({
    answer({ url, header }, n) {
      if (url.endsWith('/late')) return undefined
      if (isLogin(header)) return ok({ 'Weapp-Session': `id-${n}` })
      return header['Weapp-Session'] === 'id-1' ? EXPIRED : ok()
    },
  })
  const clock = install({ toFake: ['setTimeout', 'clearTimeout', 'Date'], shouldAdvanceTime: true })
  t.teardown(() => clock.uninstall())
  await session.request({ url: '/' })
  const late = session.request({ url: '/late' })
  await clock.tickAsync(1)
  // The refusal is believed at last, although that answer may come.
  const other = session.request({ url: '/' })
  await clock.tickAsync(5500)
  await other
  phone.sent.find(({ url }) => url.endsWith('/late'))?.answer(ok({ 'Weapp-Session': 'old' }))
  await late
  await session.request({ url: '/' })

  t.regex(phone.sent.at(-1)?.header['Weapp-Session'] ?? '', /^id-[^1]/)
  t.is(phone.counts.login, 2)
})

test('X-WX-Session: the header of a long download is heard when it begins', async (t) => {
  const { phone, session } = scripted({
    answer: ({ api, header }) => {
      if (api === 'downloadFile') return undefined
      return ok(isLogin(header) ? { 'Weapp-Session': 'id-1' } : {})
    },
  })
  await session.request({ url: '/' })
  const download = session.downloadFile({ url: '/file' })
  await sleep(1)
  phone.sent[1]?.tell('HeadersReceived', { statusCode: 200, header: { 'weapp-session': 'id-2' } })

  await session.request({ url: '/' })

  t.is(phone.sent[2]?.header['Weapp-Session'], 'id-2')
  phone.sent[1]?.answer(ok())
  t.is((await download).statusCode, 200)
})

test('connectSocket(): a socket brings a credential when it opens', async (t) => {
  const { phone, session } = scripted({
    answer: ({ header }) => ok(isLogin(header) ? { 'Weapp-Session': 'id-1' } : {}),
  })
  await session.connectSocket({ url: '/feed' })
  phone.sent[1]?.tell('Open', { header: { 'weapp-session': 'id-2' } })

  await session.request({ url: '/' })

  t.is(phone.sent[1]?.header['Weapp-Session'], 'id-1')
  t.is(phone.sent[2]?.header['Weapp-Session'], 'id-2')
})

test('connectSocket(): a socket of another origin brings neither a credential nor a cookie', async (t) => {
  const { phone, session } = scripted({
    answer: ({ header }) => ok(isLogin(header) ? { 'Weapp-Session': 'id-1' } : {}),
  })
  await session.login()
  await session.connectSocket({ url: 'wss://elsewhere.example.org/feed' })
  phone.sent[1]?.tell('Open', { header: { 'weapp-session': 'theirs', 'set-cookie': 'a=1; path=/' } })

  await session.request({ url: '/' })

  t.deepEqual(phone.sent[1]?.header, {})
  t.deepEqual(phone.sent[2]?.header, { 'Weapp-Session': 'id-1' })
})

test('appId: it is sent with all requests to our origins, and with no others', async (t) => {
  for (const [appId, expected] of [
    ['wx9', 'wx9'],
    [true, 'wx1'],
    [undefined, undefined],
  ] as const) {
    const { phone, session } = scripted({}, { ...(appId && { appId }) })

    await session.request({ url: '/' })
    await session.downloadFile({ url: '/' })
    await session.request({ url: 'https://elsewhere.example.org/' })

    t.deepEqual(
      phone.sent.map(({ header }) => header['Weapp-AppId']),
      [expected, expected, undefined],
    )
  }
})

test('appId: one server, two mini programs', async (t) => {
  const one = startWechat(t)
  const { url } = await startServer(t, {
    weixin: one,
    handler: serve,
    ...({ appId: undefined, appSecret: undefined } as object),
    apps: { [one.appId]: one.appSecret, wxother: 'secret' },
  })
  const phone = one.phone()
  const session = createSession({ baseUrl: url, wx: phone.wx, appId: true })

  const { data } = await session.request<Body>({ url: '/' })

  t.is(data.user?.openId, phone.user.openId)
})

test('loginPath: one gets the code and the profile as JSON, and nothing in headers', async (t) => {
  const { phone, session } = scripted(
    {
      answer: ({ url }) => (url.endsWith('/login') ? { ...ok(), data: { user: null, expiresAt: 1 } } : ok()),
    },
    { loginPath: '/login', appId: 'wx9' },
  )
  const requests: { method?: string; data?: unknown }[] = []
  const real = phone.wx.request
  phone.wx.request = (options) => {
    requests.push(options)
    return real(options)
  }

  await session.login()
  await session.login()

  t.deepEqual(
    phone.sent.map(({ url, header }) => [url, header]),
    [['https://api.example.com/login', { 'Weapp-AppId': 'wx9', 'content-type': 'application/json' }]],
  )
  t.is(requests[0]?.method, 'POST')
  t.deepEqual(JSON.parse(JSON.stringify(requests[0]?.data)), {
    code: 'code-1',
    rawData: '{}',
    signature: 'signed',
  })
})

test('loginPath: one that the server has not is an error, and no session', async (t) => {
  const { phone, session } = scripted(
    { answer: () => ({ statusCode: 404, data: 'Not Found' }) },
    { loginPath: '/login' },
  )

  const error = (await t.throwsAsync(session.request({ url: '/' }))) as SessionError

  t.deepEqual([error.code, error.statusCode], ['ERR_NETWORK', 404])
  t.regex(error.message, /^GET \/: POST \/login: 404: /)
  t.regex(error.errMsg, /^request:fail 404: not the session server: .*loginPath/)
  t.is(phone.storage.size, 0)
})

test("createSession({ protocol: 'cookies' }): a server with sessions of its own, and no login", async (t) => {
  const { phone, session } = scripted(
    { answer: (_, n) => ok(n === 1 ? { 'Set-Cookie': 'PHPSESSID=1; path=/; HttpOnly' } : {}) },
    { protocol: 'cookies' },
  )

  await session.login()
  await session.request({ url: '/login', method: 'POST' })
  await session.request({ url: '/me' })
  await session.uploadFile({ url: '/file', filePath: 'f', name: 'f' })
  await session.request({ url: 'https://elsewhere.example.org/' })

  t.deepEqual(
    phone.sent.map(({ header }) => header),
    [{}, { Cookie: 'PHPSESSID=1' }, { Cookie: 'PHPSESSID=1' }, {}],
  )
  t.is(phone.counts.login, 0)
  await session.logout()
  t.deepEqual([...phone.storage.keys()], [])
})

test("createSession({ protocol: 'cookies' }): it ignores cookies that arrive after a logout", async (t) => {
  const { phone, session } = scripted({ answer: () => undefined }, { protocol: 'cookies' })
  const call = session.request({ url: '/' })
  await sleep(1)
  await session.logout()
  phone.sent[0]?.tell('HeadersReceived', { statusCode: 200, header: { 'Set-Cookie': 'a=1' } })
  t.is(((await t.throwsAsync(call)) as SessionError).code, 'ERR_LOGGED_OUT')

  const next = session.request({ url: '/' })
  await sleep(1)

  t.deepEqual(phone.sent[1]?.header, {})
  // Unanswered, it would keep its process for as long as its deadline.
  phone.sent[1]?.answer(ok())
  await next
})

test('Set-Cookie: cookies are kept beside the session, and found at the next launch', async (t) => {
  const { phone, session } = scripted({ answer: (_, n) => ok(n === 2 ? { 'Set-Cookie': 'lang=zh' } : {}) })
  await session.request({ url: '/' })
  await session.request({ url: '/' })

  const next = createSession({ baseUrl: BASE_URL, wx: phone.wx, storageKey: 'kept' })
  await next.request({ url: '/', header: { Cookie: 'own=1' } })

  t.deepEqual(phone.sent[2]?.header, { Cookie: 'own=1; lang=zh', 'Weapp-Code': 'code-1' })
  t.is(phone.counts.login, 1)
})

test("createSession({ protocol: 'cookies' }): a socket that opens after a logout brings nothing, and nobody hears of a change", async (t) => {
  const { phone, session } = scripted({ answer: () => ok() }, { protocol: 'cookies' })
  const changes: boolean[] = []
  session.onChange((isLoggedIn) => changes.push(isLoggedIn))
  await session.connectSocket({ url: '/feed' })
  await session.connectSocket({ url: '/feed' })
  phone.sent[0]?.tell('Open', { header: { 'Set-Cookie': 'a=1' } })

  await session.logout()
  phone.sent[1]?.tell('Open', { header: { 'Set-Cookie': 'b=1' } })
  await session.request({ url: '/' })

  t.deepEqual(phone.sent[2]?.header, {})
  t.deepEqual(changes, [])
})

test('Set-Cookie: cookies and what comes with them are written at once', async (t) => {
  const { phone, session } = scripted({ answer: (_, n) => ok({ 'Set-Cookie': `sid=${n}` }) })

  const write = phone.wx.setStorageSync
  let writes = 0
  phone.wx.setStorageSync = (...record) => {
    writes++
    write(...record)
  }

  for (const expected of [1, 2, 3]) {
    await session.request({ url: '/' })
    t.is(writes, expected)
  }
})

test.serial(
  'Set-Cookie: when the cookies of a login are over, so is the session: also at the next launch',
  async (t) => {
    const { phone, session } = scripted({
      answer: ({ header }) => ok(isLogin(header) ? { 'Set-Cookie': 'sid=1; Max-Age=1' } : {}),
    })
    await session.request({ url: '/' })
    await session.request({ url: '/' })
    const next = createSession({ baseUrl: BASE_URL, wx: phone.wx, storageKey: 'kept' })
    takeDate(t).pass(1100)

    await next.request({ url: '/' })

    t.deepEqual(
      phone.sent.map(({ header }) => isLogin(header)),
      [true, false, true],
    )
  },
)

test.serial('Set-Cookie: cookies that came later are the app’s: the session outlives them', async (t) => {
  const { phone, session } = scripted({
    answer: (_, n) => ok(n === 2 ? { 'Set-Cookie': 'flash=1; Max-Age=1' } : {}),
  })
  await session.request({ url: '/' })
  await session.request({ url: '/' })
  takeDate(t).pass(1100)

  await session.request({ url: '/' })

  t.deepEqual(phone.sent[2]?.header, { 'Weapp-Code': 'code-1' })
})

test('X-WX-Session: of credentials that arrive at once it tries the last, then the one before, then a login', async (t) => {
  for (const good of ['id-1', 'id-2', 'none']) {
    const { phone, session } = scripted({
      answer({ url, header }) {
        if (isLogin(header)) return ok({ 'Weapp-Session': 'id-0' })
        if (header['Weapp-Session'] === 'id-0') return ok({ 'Weapp-Session': `id-${url.at(-1)}` })
        return header['Weapp-Session'] === good ? ok() : EXPIRED
      },
    })
    await session.login()
    await Promise.all([session.request({ url: '/1' }), session.request({ url: '/2' })])

    await session.request({ url: '/3' })

    const tried = phone.sent.slice(3).map(({ header }) => header['Weapp-Session'] ?? 'login')
    const all = ['id-2', 'id-1', 'login']
    t.deepEqual(tried.slice(0, 3), all.slice(0, { 'id-2': 1, 'id-1': 2, none: 3 }[good]), good)
  }
})

const BASE_URL = 'https://api.example.com'
const EXPIRED = { statusCode: 401, header: { 'Weapp-Session-Error': 'ERR_SESSION_EXPIRED' } }

function ok(header: Record<string, unknown> = {}): Exclude<Reply, undefined> {
  return { statusCode: 200, data: 'welcome', header: { 'Weapp-Login': 'accepted', ...header } }
}

function scripted(script: Script, options: SessionOptions = {}) {
  const phone = scriptedPhone(script)
  return {
    phone,
    session: createSession({
      baseUrl: BASE_URL,
      wx: phone.wx,
      storageKey: 'kept',
      profile: 'userInfo',
      ...options,
    }),
  }
}

function isALogin(headers: IncomingHttpHeaders): boolean {
  return isLogin(headers as Record<string, string>)
}

async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, query, path } = ctx
  if (path === '/slow') await sleep(30)
  if (path !== '/who') await session?.load()
  if (path === '/rotate') {
    await sleep(10)
    Object.assign(session?.data ?? {}, query)
    await session?.rotate()
  }
  // Who has a session by now keeps it until the answer.
  const data = path === '/who' ? {} : { ...session?.data }
  if (path === '/late') await sleep(60)
  ctx.body = { user: ctx.$wxUserInfo, data }
}
