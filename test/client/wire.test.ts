/**
 * The word: a login is accepted by an answer that says so, and by no other. And the two families of header names, the
 * servers of 2016, and credentials that come with any answer. Real HTTP where a server's answer decides, a scripted
 * phone where the turn of events does.
 */
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import request, { createSession, type SessionError, type SessionOptions } from '../../client/src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { until } from '../support/until.js'
import type { Started } from './support/client-calls.js'
import { startOdd } from './support/odd-server.js'
import { type Reply, type Script, scriptedPhone, WELCOME } from './support/scripted-phone.js'

const BASE = 'https://api.example.com'

// — What answers without the word —

const STRANGERS: Record<string, (ctx: Context) => void> = {
  'a page': (ctx) => page(ctx, 200),
  'an empty 204': (ctx) => page(ctx, 204),
  'a 304 of a cache': (ctx) => page(ctx, 304),
  'a CSRF 403': (ctx) => page(ctx, 403),
  'a 404': (ctx) => page(ctx, 404),
  'a gateway’s 429': (ctx) => page(ctx, 429),
  'a 500': (ctx) => page(ctx, 500),
  'a gateway’s 502': (ctx) => page(ctx, 502),
  'a page with a cookie': (ctx) => {
    ctx.set('Set-Cookie', 'lang=zh; Path=/')
    page(ctx, 200)
  },
}

for (const [what, answer] of Object.entries(STRANGERS)) {
  test(`request: ${what} is the app’s answer and no session; the next call logs in`, async (t) => {
    const { session, phone, heard, changes } = await startSite(t, answer)

    const first = await session.request({ url: '/site' })
    const second = await session.request({ url: '/me' })
    const third = await session.request({ url: '/me' })

    t.false('name' in Object(first.data))
    t.deepEqual([second.data, third.data], [{ name: 'alice' }, { name: 'alice' }])
    t.deepEqual(changes, [true])
    // The code that only something else has seen is carried on.
    t.deepEqual([phone.counts.login, heard.length], [1, 3])

    phone.coldStart()
  })

  test(`login(): ${what} fails it, with what it met and the cure, and the next call logs in`, async (t) => {
    const { session, phone, url } = await startSite(t, answer, { site: '/' })

    for (let n = 1; n <= 2; n++) {
      const error = (await t.throwsAsync(session.login())) as SessionError
      t.is(error.code, 'ERR_NETWORK')
      t.is(error.message, `GET ${url}/: ${error.errMsg.replace('request:fail ', '')}`)
      t.like(error, { method: 'GET', url: `${url}/` })
      t.true(error.errMsg.startsWith(`request:fail ${error.statusCode}: `), error.errMsg)
      t.regex(error.message, /not the session server.*loginPath/)
    }
    t.is(phone.counts.setStorageSync, 0)
    t.deepEqual((await session.request({ url: '/me' })).data, { name: 'alice' })
  })

  test(`loginPath: ${what} there fails the call, and whatever waits for that login`, async (t) => {
    const { session, heard } = await startSite(t, answer, { site: '/login' }, { loginPath: '/login' })

    const ends = await Promise.allSettled([1, 2].map(() => session.request({ url: '/me' })))

    for (const end of ends) {
      const error = (end as PromiseRejectedResult).reason as SessionError
      t.is(error.code, 'ERR_NETWORK')
      t.regex(error.message, /\/login: .*loginPath/)
    }
    t.true(heard.every((headers) => !('weapp-code' in headers)))
  })
}

test('request: 50 calls to a page log in once, and wait for nobody from then on', async (t) => {
  const { session, phone, heard } = await startSite(t, (ctx) => page(ctx, 200))

  const pages = Array.from({ length: 50 }, (_, n) => session.request({ url: `/site?n=${n}` }))
  t.true((await Promise.all(pages)).every(({ statusCode }) => statusCode === 200))
  t.deepEqual([phone.counts.login, heard.length], [1, 50])

  // The server is found by the first call that reaches it.
  t.deepEqual((await session.request({ url: '/me' })).data, { name: 'alice' })
  t.is(phone.counts.login, 1)
})

test('request: a page gets the session once there is one, and starts no login', async (t) => {
  const { session, heard } = await startSite(t, (ctx) => page(ctx, 200))

  for (const url of ['/site', '/me', '/site']) await session.request({ url })

  t.is(heard[2]?.['weapp-session'], 'id-1')
})

test('request: a path that answered as a page, and then refuses, logs in', async (t) => {
  let isUp = false
  const { session } = await startSite(t, (ctx) => (isUp ? serve(ctx) : page(ctx, 200)))
  await session.request({ url: '/site' })
  isUp = true

  t.deepEqual((await session.request({ url: '/site', method: 'POST' })).data, { name: 'alice' })
})

test('request: three endpoints that answer 500 at launch take nobody with them, with the word or without', async (t) => {
  for (const hasWord of [true, false]) {
    const { session, phone, heard } = await startSite(t, (ctx) => {
      if (hasWord) serve(ctx)
      page(ctx, 500)
    })
    const urls = ['/site/ads', '/site/banner', '/site/news', '/me', '/orders', '/cart']

    const answers = await Promise.all(urls.map((url) => session.request({ url })))

    t.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [500, 500, 500, 200, 200, 200],
    )
    t.deepEqual([phone.counts.login, heard.length], [1, 6])
  }
})

test('uploadFile: with an absolute url below baseUrl it is baseUrl that is asked for the login', async (t) => {
  const { phone, url, asked } = await startSite(t, (ctx) => page(ctx, 200), { site: '/' })
  phone.files.write('wxfile://photo', 'x')
  const session = createSession({ baseUrl: `${url}/api`, wx: phone.wx })

  const file = { filePath: 'wxfile://photo', name: 'photo' }
  const { data } = await session.uploadFile({ url: `${url}/api/photos`, ...file })

  t.deepEqual(JSON.parse(data), { name: 'alice' })
  t.deepEqual(asked, ['GET /api/', 'POST /api/photos'])
})

test('uploadFile: where a page answers its login it fails, and names loginPath', async (t) => {
  const { session, phone, asked } = await startSite(t, (ctx) => page(ctx, 200), { site: '/' })
  phone.files.write('wxfile://photo', 'x')
  const upload = () => session.uploadFile({ url: '/photos', filePath: 'wxfile://photo', name: 'photo' })

  const ends = await Promise.allSettled(Array.from({ length: 20 }, upload))

  for (const end of ends) t.regex(String((end as PromiseRejectedResult).reason), /loginPath/)
  t.deepEqual(asked, ['GET /'])
})

// — The word —

test('Weapp-Login: accepted counts when the answer begins: others need not wait for its end', async (t) => {
  const { phone, session } = scripted({
    answer: ({ url }) => (url.endsWith('/stream') ? undefined : WELCOME),
  })
  const stream = session.request({ url: '/stream', enableChunked: true })
  await until(() => phone.sent.length === 1)
  phone.sent[0]?.tell('HeadersReceived', { header: { 'weapp-login': 'accepted', 'weapp-session': 'id-1' } })

  await session.request({ url: '/' })

  t.deepEqual(phone.sent[1]?.header, { 'Weapp-Session': 'id-1' })
  phone.sent[0]?.answer(WELCOME)
  await stream
})

test('Weapp-Login: accepted counts although the rest of the answer is lost, or nobody waits for it', async (t) => {
  for (const end of ['fail', 'abort', 'deadline'] as const) {
    const { phone, session } = scripted(
      { answer: (_, n) => (n === 1 ? undefined : WELCOME) },
      { deadline: end === 'deadline' ? 50 : 1000 },
    )
    const call = session.request({ url: '/', method: 'POST' })
    await until(() => phone.sent.length === 1)
    phone.sent[0]?.tell('HeadersReceived', { header: { 'Weapp-Login': 'accepted', 'Weapp-Token': 't-1' } })
    if (end === 'fail') phone.sent[0]?.answer({ errMsg: 'request:fail', errno: 600001 })
    if (end === 'abort') call.abort()
    await t.throwsAsync(call)

    await session.request({ url: '/' })

    t.deepEqual(phone.sent[1]?.header, { Authorization: 'Bearer t-1' }, end)
    t.is(phone.counts.login, 1)
  }
})

test('Weapp-Login: a conflict after an accepted login, and a POST that throws, keep the session', async (t) => {
  for (const [status, reason] of [
    [409, 'ERR_SESSION_CONFLICT'],
    [503, 'ERR_STORE_UNAVAILABLE'],
    [500, undefined],
  ] as const) {
    const refusal = reason && { 'Weapp-Session-Error': reason }
    const header = { 'Weapp-Login': 'accepted', 'Weapp-Session': 'id-1', ...refusal }
    const { phone, session } = scripted({
      answer: (_, n) => (n === 1 ? { statusCode: status, header } : WELCOME),
    })

    await session.request({ url: '/', method: 'POST' }).catch(() => {})
    await session.request({ url: '/' })

    t.deepEqual(phone.sent[1]?.header, { 'Weapp-Session': 'id-1' }, reason)
    t.is(phone.counts.login, 1)
  }
})

test('Weapp-Login: required ends the session, and the call that heard it has its answer', async (t) => {
  for (const how of ['code', 'session', 'cookie'] as const) {
    const given = {
      code: {},
      session: { 'Weapp-Session': 'id-1' },
      cookie: { 'Set-Cookie': 'sid=1; Path=/' },
    }[how]
    const { phone, session } = scripted({
      answer({ url }) {
        if (url.endsWith('/logout'))
          return ok({ 'weapp-login': 'required', 'Set-Cookie': 'sid=guest; Path=/' })
        return ok({ 'Weapp-Login': 'accepted', ...given })
      },
    })
    const changes: boolean[] = []
    session.onChange((isLoggedIn) => changes.push(isLoggedIn))

    for (const url of ['/', '/logout', '/']) t.is((await session.request({ url })).data, 'welcome')

    t.is(phone.counts.login, 2, how)
    t.deepEqual(changes, [true, false, true])
    t.is(phone.sent[2]?.header.Cookie, 'sid=guest')
  }
})

test('Weapp-Login: required on the answer to a login: the next call logs in, and no other waits for ever', async (t) => {
  const { phone, session } = scripted({
    answer: (_, n) => (n === 1 ? ok({ 'Weapp-Login': 'required' }) : WELCOME),
  })

  const answers = await Promise.all([1, 2, 3].map(() => session.request({ url: '/' })))

  t.deepEqual(
    answers.map(({ statusCode }) => statusCode),
    [200, 200, 200],
  )
  t.is(phone.counts.login, 2)
})

test('loginPath: the body is the word where nobody sees headers', async (t) => {
  for (const [body, header] of [
    [{ session: 'id-1' }, { 'Weapp-Session': 'id-1' }],
    [{ token: 't-1' }, { Authorization: 'Bearer t-1' }],
    [{}, { 'Weapp-Code': 'code-1' }],
  ] as const) {
    const data = { login: 'accepted', user: { openId: 'o' }, expiresAt: 1, ...body }
    const { phone, session } = scripted(
      { answer: ({ url }) => (url.endsWith('/login') ? { statusCode: 200, data } : ok({})) },
      { loginPath: '/login' },
    )

    await session.request({ url: '/' })

    t.deepEqual(phone.sent[1]?.header, header)
  }
})

test('loginPath: a body without the word, whatever it looks like, is no login', async (t) => {
  for (const data of [
    '',
    '<html>',
    null,
    [],
    { user: {}, expiresAt: 1 },
    { login: true },
    { login: 'code' },
  ]) {
    const { phone, session } = scripted(
      { answer: () => ({ statusCode: 200, data }) },
      { loginPath: '/login' },
    )

    const error = (await t.throwsAsync(session.login())) as SessionError

    t.deepEqual([error.code, error.statusCode], ['ERR_NETWORK', 200])
    t.is(phone.storage.size, 0)
  }
})

// — Nothing is lost —

test('Weapp-Session: a credential in any answer is kept: an error, a refusal, an answer that breaks off', async (t) => {
  const refusal = (reason: string) => ({ 'X-WX-Session': 'id-2', 'Weapp-Session-Error': reason })
  for (const [what, reply] of [
    ['404', { statusCode: 404, header: { 'weapp-session': 'id-2' } }],
    ['500', { statusCode: 500, header: { 'Weapp-Session': 'id-2' } }],
    ['302', { statusCode: 302, header: { 'x-wx-session': 'id-2' } }],
    ['409', { statusCode: 409, header: refusal('ERR_SESSION_CONFLICT') }],
    ['503', { statusCode: 503, header: refusal('ERR_STORE_UNAVAILABLE') }],
    ['lost', { errMsg: 'request:fail' }],
    ['aborted', undefined],
  ] as [string, Reply][]) {
    for (const api of ['request', 'uploadFile', 'downloadFile'] as const) {
      const { phone, session } = scripted(
        { answer: (_, n) => (n === 1 ? undefined : WELCOME) },
        { stored: { 'Weapp-Session': 'id-1' } },
      )
      const call = {
        request: () => session.request({ url: '/', method: 'POST' }),
        uploadFile: () => session.uploadFile({ url: '/', filePath: 'f', name: 'f' }),
        downloadFile: () => session.downloadFile({ url: '/' }),
      }[api]() as Promise<unknown> & { abort(): void }
      await until(() => phone.sent.length === 1)
      const isWhole = reply && 'statusCode' in reply
      if (!isWhole) phone.sent[0]?.tell('HeadersReceived', { header: { 'Weapp-Session': 'id-2' } })
      if (reply) phone.sent[0]?.answer(reply)
      else call.abort()
      await call.catch(() => {})

      await session.request({ url: '/' })

      t.is(phone.sent.at(-1)?.header['Weapp-Session'], 'id-2', `${what} ${api}`)
      t.is(phone.counts.login, 0)
    }
  }
})

test('Set-Cookie: a refusal that takes its cookie back ends the session at once', async (t) => {
  const { phone, session } = scripted({
    answer(sent, n) {
      if (n === 1) return ok({ 'Weapp-Login': 'accepted', 'Set-Cookie': 'sid=1; Path=/' })
      if (n === 2) return ok({ 'Set-Cookie': 'lang=zh; Path=/' })
      if (!sent.header.Cookie?.includes('sid=1')) return WELCOME
      const header = { 'Weapp-Session-Error': 'ERR_SESSION_EXPIRED', 'Set-Cookie': 'sid=; Path=/; Max-Age=0' }
      return { statusCode: 401, header }
    },
  })

  for (let n = 1; n <= 3; n++) await session.request({ url: '/' })

  t.deepEqual(
    phone.sent.map(({ header }) => header['Weapp-RawData'] ?? header.Cookie),
    ['%7B%7D', 'sid=1', 'sid=1; lang=zh', '%7B%7D'],
  )
})

// — Names —

test('Weapp-: no request of createSession has a header that WeChat’s gateway drops', async (t) => {
  const { session, heard } = await startSite(t, () => {}, {}, { appId: 'wx9', profile: 'userInfo' })
  await session.request({ url: '/me' })
  await session.request({ url: '/me' })

  const names = heard.map((headers) =>
    Object.keys(headers)
      .filter((name) => /^(x-wx|weapp)-/.test(name))
      .sort(),
  )
  t.deepEqual(names, [
    ['weapp-appid', 'weapp-code', 'weapp-rawdata', 'weapp-signature'],
    ['weapp-appid', 'weapp-session'],
  ])
})

test('Weapp-: answers are read in both families, in any case', async (t) => {
  for (const [word, id] of [
    ['Weapp-Login', 'Weapp-Session'],
    ['weapp-login', 'weapp-session'],
    ['X-WX-Login', 'X-WX-Session'],
    ['x-wx-login', 'weapp-session'],
  ] as const) {
    const { phone, session } = scripted({
      answer: (_, n) => ok(n === 1 ? { [word]: 'accepted', [id]: 'id-1' } : {}),
    })

    for (let n = 1; n <= 2; n++) await session.request({ url: '/' })

    t.deepEqual(phone.sent[1]?.header, { 'Weapp-Session': 'id-1' })
  }
})

test('Weapp-: a session that was stored under the names of another protocol costs a login', async (t) => {
  for (const [stored, protocol, sent] of [
    [{ 'Weapp-Session': 's' }, 'weapp-session', { 'Weapp-Session': 's' }],
    [{ 'X-WX-Code': 'c' }, '2016', { 'X-WX-Code': 'c' }],
    [{ Authorization: 'Bearer t' }, '2016', { Authorization: 'Bearer t' }],
    // Behind a gateway that drops it, its user would be nobody.
    [{ 'X-WX-Code': 'c' }, 'weapp-session', undefined],
    [{ 'Weapp-Code': 'c' }, '2016', undefined],
  ] as const) {
    const { phone, session } = scripted({}, { stored, protocol })
    await session.request({ url: '/' })
    if (sent) t.deepEqual(phone.sent[0]?.header, sent)
    else t.is(phone.counts.login, 1)
  }
})

test('storage: a credential that is none is no session', async (t) => {
  for (const stored of [{}, { 'Weapp-Code': 7 }, [], 'text', { 'Weapp-Code': null }]) {
    const { phone, session } = scripted({}, { stored })
    await session.request({ url: '/' })
    t.is(phone.counts.login, 1, JSON.stringify(stored))
  }
})

// — 2016 —

for (const client of ["protocol '2016'", 'the drop-in'] as const) {
  test.serial(`${client}: a server of 2016 is believed, and its session goes on by X-WX-Code`, async (t) => {
    const { heard, phone, ask, sessions } = await startOf2016(t, client)

    for (let n = 1; n <= 3; n++) t.deepEqual(await ask('/me'), { name: 'alice' })
    sessions.clear()
    t.deepEqual(await ask('/me'), { name: 'alice' })

    t.is(phone.counts.login, 2)
    t.deepEqual(
      heard.map((headers) => Object.keys(headers).filter((name) => /^(x-wx|weapp)-/.test(name)).length),
      [3, 1, 1, 1, 3],
    )
    t.true(heard.every((headers) => 'x-wx-code' in headers && !('weapp-code' in headers)))
  })

  test.serial(
    `${client}: any answer below 500 accepts a login, as in 2016; one of 500 and above does not`,
    async (t) => {
      for (const [status, sessions] of [
        [200, 1],
        [404, 1],
        [429, 1],
        [500, 0],
        [502, 0],
      ] as const) {
        const { phone, ask } = await startOf2016(t, client, (ctx, n) => (n === 1 ? page(ctx, status) : false))
        await ask('/me')
        t.is(phone.counts.setStorageSync, sessions, `${status}`)
        t.deepEqual(await ask('/me'), { name: 'alice' })
      }
    },
  )

  test.serial(`${client}: once a server has said X-WX-Login: accepted, only that counts`, async (t) => {
    const { phone, ask } = await startOf2016(t, client, (ctx) => {
      if (ctx.path === '/site') return page(ctx, 200)
      if ('x-wx-login' in ctx.headers || 'x-wx-rawdata' in ctx.headers) ctx.set('X-WX-Login', 'accepted')
      if (ctx.path !== '/logout') return false
      ctx.set('X-WX-Login', 'required')
      return page(ctx, 200)
    })

    await ask('/me')
    await ask('/logout')
    for (let n = 1; n <= 3; n++) await ask('/site')
    t.is(phone.counts.login, 2)
    t.deepEqual(await ask('/me'), { name: 'alice' })
    t.is(phone.counts.login, 2)
  })
}

// — Helpers —

/** A web site below `/site`, or at `site`, where `answer` answers; else a session server that issues its sessions. */
async function startSite(
  t: ExecutionContext,
  answer: (ctx: Context) => void,
  { site = '/site' }: { site?: string } = {},
  options: SessionOptions = {},
): Promise<Started & { changes: boolean[]; asked: string[] }> {
  const asked: string[] = []
  const changes: boolean[] = []
  const started = await startOdd(
    t,
    (ctx) => {
      asked.push(`${ctx.method} ${ctx.path}`)
      const isSite = site === '/' ? ctx.path === '/' : ctx.path.startsWith(site)
      if (isSite) answer(ctx)
      else serve(ctx)
    },
    options,
  )
  started.session.onChange((isLoggedIn) => changes.push(isLoggedIn))
  return { ...started, changes, asked }
}

/** The session server: a login is accepted and answered with an id, and a request without one is refused. */
function serve(ctx: Context): void {
  const isLogin = 'weapp-login' in ctx.headers || 'weapp-rawdata' in ctx.headers
  if (isLogin) ctx.set({ 'Weapp-Login': 'accepted', 'Weapp-Session': 'id-1' })
  else if (ctx.headers['weapp-session'] !== 'id-1') {
    ctx.set('Weapp-Session-Error', 'ERR_LOGIN_REQUIRED')
    ctx.status = 401
    return
  }
  ctx.body = { name: 'alice' }
}

function page(ctx: Context, status: number): void {
  ctx.status = status
  ctx.type = 'html'
  if (status !== 204 && status !== 304) ctx.body = '<h1>not the session server</h1>'
}

/**
 * A server of 2016: a code with rawData is a session from then on; refusals are bodies. `before`: what comes before it,
 * and whether that has answered.
 */
async function startOf2016(
  t: ExecutionContext,
  client: "protocol '2016'" | 'the drop-in',
  before: (ctx: Context, n: number) => unknown = () => false,
) {
  const sessions = new Set<unknown>()
  const started = await startOdd(
    t,
    (ctx, n) => {
      const answered = before(ctx, n)
      if (answered !== false) return
      const code = ctx.headers['x-wx-code']
      if ('x-wx-rawdata' in ctx.headers) sessions.add(code)
      const error = { name: 'WeappSessionError', message: 'expired' }
      ctx.body = sessions.has(code)
        ? { name: 'alice' }
        : { [MAGIC_ID]: 1, reason: 'ERR_SESSION_EXPIRED', error }
    },
    { protocol: '2016' },
  )
  Object.assign(globalThis, { wx: started.phone.wx })
  t.teardown(() => void Reflect.deleteProperty(globalThis, 'wx'))
  const dropIn = client === 'the drop-in' ? await freshDropIn() : undefined
  const ask = async (path: string) => {
    const { data } = dropIn
      ? await dropIn({ url: `${started.url}${path}` })
      : await started.session.request({ url: path })
    return data
  }
  return { ...started, sessions, ask }
}

let copies = 0

/** The drop-in has one session in a process, so each test has a copy of its own. */
async function freshDropIn(): Promise<typeof request> {
  const module = (await import(`../../client/src/index.js?copy=${++copies}`)) as { default: typeof request }
  return module.default
}

function ok(header: Record<string, string>): Exclude<Reply, undefined> {
  return { statusCode: 200, data: 'welcome', header }
}

function scripted(script: Script, { stored, ...options }: SessionOptions & { stored?: unknown } = {}) {
  const kept = { v: 2, header: stored }
  const phone = scriptedPhone({ ...script, ...(stored !== undefined && { stored: { kept } }) })
  return {
    phone,
    session: createSession({
      baseUrl: BASE,
      wx: phone.wx,
      storageKey: 'kept',
      profile: 'userInfo',
      ...options,
    }),
  }
}
