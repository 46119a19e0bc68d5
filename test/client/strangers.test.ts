/**
 * What answers besides the session server: pages, gateways, other servers of the same program, hosts with odd answers;
 * and what nobody answers. A scripted phone, since the turn of events decides.
 */
import test from 'ava'
import { createSession, type SessionError, type SessionOptions } from '../../client/src/index.js'
import { until } from '../support/until.js'
import { type Reply, type Script, type Sent, scriptedPhone, WELCOME } from './support/scripted-phone.js'

const BASE = 'https://api.example.com'
const ACCEPTED = { 'Weapp-Login': 'accepted' }
const EXPIRED: Reply = { statusCode: 401, header: { 'Weapp-Session-Error': 'ERR_SESSION_EXPIRED' } }

// — Something else answers —

for (const protocol of ['weapp-session', '2016'] as const) {
  for (const statusCode of protocol === '2016' ? [500, 502] : [200, 404, 502]) {
    test(`${protocol}: where everything answers ${statusCode}, 200 calls are two rounds and one wx.login; then the next logs in`, async (t) => {
      const prefix = protocol === '2016' ? 'X-WX' : 'Weapp'
      let isBack = false
      let running = 0
      const atOnce: number[] = []
      const { phone, session } = start(
        {
          async answer() {
            if (isBack) return { statusCode: 200, data: 'hi', header: { [`${prefix}-Login`]: 'accepted' } }
            atOnce.push(++running)
            await new Promise((resolve) => setTimeout(resolve, 50))
            running--
            return { statusCode, data: '<html>' }
          },
        },
        { protocol },
      )

      const calls = Array.from({ length: 200 }, (_, n) => session.request({ url: `/${n}`, method: 'POST' }))
      for (const call of calls) t.is((await call).statusCode, statusCode)
      t.deepEqual([phone.counts.login, phone.sent.length], [1, 200])
      t.deepEqual(
        atOnce,
        [1].concat(Array.from({ length: 199 }, (_, n) => n + 1)),
        'the leader, then the others',
      )

      isBack = true
      await session.request({ url: '/me' })
      await session.request({ url: '/me' })
      t.is(phone.counts.login, 1)
      t.deepEqual(Object.keys(phone.sent.at(-1)?.header ?? {}), [`${prefix}-Code`])
    })
  }
}

test('request: an outage that is asked about 100 times costs one wx.login, and nobody is blocked', async (t) => {
  const { phone, session } = start({ answer: () => ({ statusCode: 502 }) })

  for (let n = 0; n < 100; n++) t.is((await session.request({ url: '/poll' })).statusCode, 502)

  t.is(phone.counts.login, 1)
})

test('request: a page once, at an address that is an API then, makes nobody a guest', async (t) => {
  for (const [first, later] of [
    ['/graphql', '/graphql'],
    ['/index.php?p=about', '/index.php?r=api/me'],
  ]) {
    const { session } = start({
      answer: ({ header }, n) => (n === 1 ? page(200) : 'Weapp-Code' in header ? WELCOME : page(200)),
    })
    await session.request({ url: first as string })

    for (let n = 0; n < 3; n++)
      t.is((await session.request({ url: later as string, method: 'POST' })).data, 'welcome')
  }
})

test('request: a refused code that was shared is offered no more, and one call fetches another', async (t) => {
  const { phone, session } = start({
    answer({ header }, n) {
      if (n === 1) return page(200)
      if (header['Weapp-Code'] !== 'code-1') return WELCOME
      return { statusCode: 401, header: { 'Weapp-Session-Error': 'ERR_SESSION_KEY_EXCHANGE_FAILED' } }
    },
  })
  await session.request({ url: '/site' })

  await Promise.all([1, 2, 3].map(() => session.request({ url: '/me', method: 'POST' })))

  t.is(phone.counts.login, 2)
})

test('logout(): a code that was shared is not carried on', async (t) => {
  const { phone, session } = start({ answer: (_, n) => (n === 1 ? page(200) : WELCOME) })
  await session.request({ url: '/site' })
  await session.logout()

  await session.request({ url: '/me' })

  t.is(phone.sent[1]?.header['Weapp-Code'], 'code-2')
})

test('loginPath: at an origin that gets no session it is ERR_OPTIONS', async (t) => {
  const loginPath = 'https://auth.example.com/login'
  const error = t.throws(() => start({}, { loginPath })) as SessionError
  t.is(error.code, 'ERR_OPTIONS')
  t.regex(error.message, /origins: https:/)
  t.notThrows(() => start({}, { loginPath, origins: ['https://auth.example.com'] }))
  t.throws(() => start({}, { loginPath: '/login', baseUrl: undefined as never }), { message: /baseUrl/ })
})

test('login: a session that is over as soon as it begins is no endless wx.login', async (t) => {
  const { phone, session } = start({}, { loginPath: '/login' })
  session.onChange((isLoggedIn) => {
    if (isLoggedIn) phone.sent.length < 50 && void session.logout()
  })

  await session.request({ url: '/me' }).catch(() => {})

  t.true(phone.counts.login <= 4, `${phone.counts.login}`)
})

// — Other servers —

test("protocol '2016': an origin that says the word and one that never does have a session each", async (t) => {
  const known = new Set<string>()
  const { phone, session } = start(
    {
      answer({ url, header }) {
        const name = `${url.slice(0, 14)} ${header['X-WX-Code']}`
        const isLogin = 'X-WX-RawData' in header
        if (isLogin) known.add(name)
        if (!known.has(name)) return { ...EXPIRED, data: 'expired' }
        return {
          statusCode: 200,
          header: isLogin && /a\./.test(url) ? { 'X-WX-Login': 'accepted' } : {},
          data: 'alice',
        }
      },
    },
    { protocol: '2016', baseUrl: undefined as never, origins: ['*'] },
  )

  // In turns, as the client of 2016 can: each of them ends the session of the other, and none of them is ill.
  for (let n = 0; n < 4; n++) {
    for (const host of ['a', 'b', 'b'])
      t.is((await session.request({ url: `https://${host}.example.com/me` })).data, 'alice')
  }
  t.is(phone.counts.login, 8)
})

test('downloadFile: 401s of the app, where no header is heard, do not block the logins', async (t) => {
  const { phone, session } = start({
    answer: ({ api }) => (api === 'downloadFile' ? { statusCode: 401 } : WELCOME),
  })
  await session.request({ url: '/me' })

  for (let n = 1; n <= 3; n++) t.is((await session.downloadFile({ url: `/${n}.png` })).statusCode, 401)

  t.is((await session.request({ url: '/me' })).data, 'welcome')
  t.is(phone.sent.at(-1)?.header['Weapp-Login'], undefined)
})

test('Weapp-Login: accepted without a credential, at a server that then refuses the code, is an error that names loginPath', async (t) => {
  const { session } = start({ answer: ({ header }) => ('Weapp-RawData' in header ? WELCOME : EXPIRED) })
  const ends: unknown[] = []

  for (let n = 0; n < 4; n++)
    ends.push(await session.request({ url: '/me' }).catch((error: unknown) => error))

  t.regex(String(ends.at(-1)), /loginPath/)
})

test('ERR_UNTRUSTED_RAW_DATA: the login goes on by a new code without the profile, once', async (t) => {
  for (const isHeard of [true, false]) {
    const refused = { statusCode: 401, header: { 'Weapp-Session-Error': 'ERR_UNTRUSTED_RAW_DATA' } }
    const { phone, session } = start({
      answer: ({ header }) => (isHeard && !('Weapp-RawData' in header) ? WELCOME : refused),
    })
    const end = session.request({ url: '/me', method: 'POST' })

    if (isHeard) t.is((await end).data, 'welcome')
    else t.is(((await t.throwsAsync(end)) as SessionError).reason, 'ERR_UNTRUSTED_RAW_DATA')
    t.deepEqual(
      phone.sent.map(({ header }) => [header['Weapp-Code'], header['Weapp-Login']]),
      [
        ['code-1', undefined],
        ['code-2', 'code'],
      ],
    )
  }
})

// — Odd answers —

for (const [what, odd, credential] of [
  ['cookies: null', { header: ACCEPTED, cookies: null }, 'Weapp-Code'],
  ['values in lists', { header: { 'Weapp-Login': ['accepted'], 'Weapp-Session': ['s1'] } }, 'Weapp-Session'],
  [
    'values joined by commas',
    { header: { 'Weapp-Login': 'accepted, accepted', 'Weapp-Session': 's1,s1' } },
    'Weapp-Session',
  ],
  ['header: null', { header: null }, undefined],
  ['cookies without text', { header: ACCEPTED, cookies: [null, 7, 'a=b; Path=/'] }, 'Weapp-Code'],
] as const) {
  test(`answers: ${what} costs no call`, async (t) => {
    const { phone, session } = start({})
    const sent: object[] = []
    phone.wx.request = ({ header, success }) => {
      sent.push({ ...header })
      queueMicrotask(() => success?.({ statusCode: 200, data: 'hi', errMsg: '', ...odd } as never))
      return { abort() {} }
    }

    for (let n = 1; n <= 2; n++) t.is((await session.request({ url: '/me' })).data, 'hi')

    if (credential) t.true(credential in (sent[1] ?? {}))
    t.is(phone.counts.login, 1)
  })
}

test('answers: a refusal in a list ends the session', async (t) => {
  const { phone, session } = start({
    answer: ({ header }) =>
      'Weapp-RawData' in header
        ? WELCOME
        : { statusCode: 401, header: { 'Weapp-Session-Error': ['ERR_SESSION_EXPIRED'] } },
  })

  for (let n = 1; n <= 2; n++) t.is((await session.request({ url: '/me' })).data, 'welcome')

  t.is(phone.counts.login, 2)
})

test('cloud: what callContainer gives beside its callbacks is no answer', async (t) => {
  for (const given of [{ abort() {} }, 7, null]) {
    const { phone, session } = start({}, { cloud: { env: 'prod-1', service: 'koa' } })
    phone.wx.cloud = {
      callContainer: ({ success }: { success(result: unknown): void }) => {
        setTimeout(() => success({ statusCode: 200, data: 'hi', header: {} }), 10)
        return given
      },
    } as never

    t.is((await session.request({ url: '/me' })).data, 'hi')
  }
})

// — Nobody waits in vain —

test('Weapp-Login: required on an answer of the app is not held back by other requests', async (t) => {
  const { phone, session } = start({
    answer({ url }, n) {
      if (url.endsWith('/poll')) return undefined
      return {
        statusCode: 200,
        header: n === 1 ? { ...ACCEPTED, 'Weapp-Session': 's1' } : { 'Weapp-Login': 'required' },
      }
    },
  })
  await session.request({ url: '/me' })
  const poll = session.request({ url: '/poll' })
  await until(() => phone.sent.length === 2)

  const startedAt = Date.now()
  await session.request({ url: '/logout', method: 'POST' })

  t.true(Date.now() - startedAt < 1000)
  poll.abort()
})

test('connectSocket(): a handshake that only closes keeps nobody waiting', async (t) => {
  let isDead = false
  const { phone, session } = start({
    answer({ api, header }) {
      if (api !== 'request' || !isDead || 'Weapp-RawData' in header) {
        return { statusCode: 200, data: 'hi', header: { ...ACCEPTED, 'Weapp-Session': `s${isDead}` } }
      }
      return EXPIRED
    },
  })
  await session.request({ url: '/me' })
  await session.connectSocket({ url: '/feed' })
  phone.sent.at(-1)?.tell('Close', { code: 1006, reason: '' })
  isDead = true

  const startedAt = Date.now()
  t.is((await session.request({ url: '/me' })).data, 'hi')

  t.true(Date.now() - startedAt < 1000)
})

test('connectSocket(): after a failed handshake nobody waits for an answer that is a stream, or for none at all', async (t) => {
  for (const isStream of [true, false]) {
    const { phone, session } = start({
      answer(sent) {
        if (sent.api === 'connectSocket') return { statusCode: 200 }
        if (!sent.url.endsWith('/feed')) return WELCOME
        if (isStream) sent.tell('HeadersReceived', { statusCode: 200, header: {} })
        return undefined
      },
    })
    await session.request({ url: '/me' })
    await fail(phone, session)

    const startedAt = Date.now()
    await session.connectSocket({ url: '/feed' })

    const waited = Date.now() - startedAt
    t.true(isStream ? waited < 1000 : waited < 6000, `${waited} ms`)
    t.true(phone.sent.find(({ api, url }) => api === 'request' && url.endsWith('/feed'))?.isAborted)
  }
})

test('connectSocket(): where its own URL says nothing of ours, the base is asked; and not again with each handshake', async (t) => {
  for (const isDead of [true, false]) {
    const { phone, session } = start({
      answer({ api, url, header }) {
        if (api === 'connectSocket') return { statusCode: 200 }
        if (url.endsWith('/feed')) return { statusCode: 426, header: {} }
        if (isDead && header['Weapp-Code'] === 'code-1' && phone.sent.length > 1) return EXPIRED
        return WELCOME
      },
    })
    await session.request({ url: '/me' })

    for (let n = 1; n <= 20; n++) {
      await fail(phone, session)
      await session.connectSocket({ url: '/feed' })
    }

    const asked = phone.sent.filter(({ api }) => api === 'request').map(({ url }) => url)
    const base = isDead ? [`${BASE}/`, `${BASE}/`] : [`${BASE}/`]
    t.deepEqual(asked, [`${BASE}/me`, `${BASE}/feed`, ...base])
    t.is(phone.counts.login, isDead ? 2 : 1)
  }
})

// — Helpers —

function start(script: Script, options: SessionOptions = {}) {
  const phone = scriptedPhone(script)
  return { phone, session: createSession({ baseUrl: BASE, wx: phone.wx, profile: 'userInfo', ...options }) }
}

/** A handshake that fails. */
async function fail({ sent }: { sent: Sent[] }, session: ReturnType<typeof createSession>): Promise<void> {
  await session.connectSocket({ url: '/feed' })
  sent.findLast(({ api }) => api === 'connectSocket')?.tell('Error', { errMsg: 'Invalid HTTP status.' })
}

function page(statusCode: number): Exclude<Reply, undefined> {
  return { statusCode, data: '<html>', header: {} }
}
