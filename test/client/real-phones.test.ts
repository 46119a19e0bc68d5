/**
 * Beside other people's software, and on phones that are not as they are in the documents: who else logs in, what is
 * asked of the user, how long anybody waits, and what an error says.
 */
import test from 'ava'
import request, {
  createSession,
  isSessionError,
  type SessionError,
  type SessionOptions,
  type Wx,
  type WxRequestOptions,
} from '../../client/src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { until } from '../support/until.js'
import { type Reply, type Script, scriptedPhone, WELCOME } from './support/scripted-phone.js'
import { clockOf, endOf } from './support/virtual-clock.js'

type SocketOptions = { url: string; success?: (result: { errMsg: string }) => void }

const BASE = 'https://api.example.com'

// — What wx gives —

test('connectSocket(): a success before the call has returned, a promise of the task, or no task', async (t) => {
  const { phone, session } = start({}, { 'Weapp-Code': 'code-0' })
  const { connectSocket } = phone.wx as Required<Wx>
  const url = '/feed'

  phone.wx.connectSocket = (options: SocketOptions) => {
    options.success?.({ errMsg: 'connectSocket:ok' })
    return connectSocket({ ...options, success: () => {} } as SocketOptions)
  }
  t.is(typeof (await session.connectSocket({ url })).onOpen, 'function')

  phone.wx.connectSocket = (options) => Promise.resolve(connectSocket(options)) as never
  t.is(typeof (await session.connectSocket({ url })).onOpen, 'function')

  phone.wx.connectSocket = (options) => void connectSocket(options) as never
  t.like(await failure(session.connectSocket({ url })), {
    code: 'ERR_NETWORK',
    message: 'GET /feed: connectSocket:fail no SocketTask',
  })
})

test('request(): a task that comes when the call is over is aborted', async (t) => {
  const { phone, session } = start({ answer: () => undefined }, { 'Weapp-Code': 'code-0' })
  const { request } = phone.wx
  phone.wx.request = (async (options: WxRequestOptions) => {
    const task = request(options)
    await new Promise(setImmediate)
    return task
  }) as never
  const call = session.request({ url: '/' })
  while (!phone.sent[0]) await Promise.resolve()

  call.abort()
  await failure(call)
  await until(() => phone.sent[0]?.isAborted === true)

  t.is(phone.sent.length, 1)
})

test('wx: one that calls the session itself is found out, and said', async (t) => {
  const { phone, session } = start({})
  phone.wx.request = session.request as never

  t.like(await failure(session.request({ url: '/' })), {
    code: 'ERR_OPTIONS',
    message: 'GET /: wx calls this session: give it a copy, { wx: { ...wx } }',
  })

  const copied = scriptedPhone()
  const over = createSession({ baseUrl: BASE, wx: { ...copied.wx } })
  copied.wx.request = over.request as never
  t.is(((await copied.wx.request({ url: '/' })) as never as { data: string }).data, 'welcome')
})

test('login(): one whose answer breaks off after its header is a login', async (t) => {
  const { phone, session } = start({
    answer(sent, n) {
      if (n > 1) return WELCOME
      sent.tell('HeadersReceived', { header: { 'Weapp-Login': 'accepted', 'Weapp-Session': 's1' } })
      return { errMsg: 'request:fail socket hang up' }
    },
  })

  await session.login()
  await session.request({ url: '/me' })

  t.deepEqual(phone.sent[1]?.header, { 'Weapp-Session': 's1' })
})

test('login(): it follows no redirect, and no login is answered by the cache of wx', async (t) => {
  const asked: object[] = []
  const { phone, session } = start({})
  const { request } = phone.wx
  phone.wx.request = (options) => {
    asked.push(options)
    return request(options)
  }

  await session.login()
  await session.logout()
  await session.request({ url: '/', enableCache: true })
  await session.request({ url: '/', enableCache: true })

  t.like(asked[0], { redirect: 'manual', enableCache: false })
  t.deepEqual(
    asked.slice(1).map((options) => (options as { enableCache?: boolean }).enableCache),
    [false, true],
  )
  t.false('redirect' in (asked[1] as object))
})

// — Who else is there —

test('storage: a session that another copy has stored is used, instead of a login, and instead of emptying it', async (t) => {
  const dead = new Set(['code-1'])
  const phone = scriptedPhone({
    answer: ({ header }) =>
      !header['Weapp-Login'] && dead.has(`${header['Weapp-Code']}`) ? expired() : WELCOME,
  })
  const [one, other, third] = [1, 2, 3].map(() => createSession({ baseUrl: BASE, wx: phone.wx }))
  // Both look at storage at their first call; then one of them logs in.
  await other?.logout()
  await one?.login()
  await other?.request({ url: '/me' }).catch(() => {})

  t.is(phone.counts.login, 2)
  dead.add('code-2')
  await third?.request({ url: '/me' })
  t.is(phone.counts.login, 3)
  await one?.request({ url: '/me' })
  await other?.request({ url: '/me' })
  t.is(phone.counts.login, 3, 'they have found what the third has stored')
  t.is(phone.sent.at(-1)?.header['Weapp-Code'], 'code-3')
})

test('storage: two services below one domain leave each other alone', async (t) => {
  const phone = scriptedPhone()
  for (const path of ['/shop', '/forum']) await createSession({ baseUrl: BASE + path, wx: phone.wx }).login()
  await createSession({ baseUrl: `${BASE}/shop/`, wx: phone.wx }).logout()

  t.deepEqual([...phone.storage.keys()], [`weapp-session:wx1:release:${BASE}/forum`])
})

test('logout(): a storage that removes nothing keeps no session', async (t) => {
  for (const isEmptied of [true, false]) {
    const { phone, session } = start({})
    await session.login()
    phone.wx.removeStorageSync = () => {
      throw new Error('removeStorageSync:fail')
    }
    const { setStorageSync } = phone.wx
    if (!isEmptied) {
      phone.wx.setStorageSync = () => {
        throw new Error('setStorageSync:fail')
      }
    }

    await session.logout()
    phone.wx.setStorageSync = setStorageSync
    await session.request({ url: '/' })

    t.is(phone.counts.login, 2)
    t.is(phone.sent.at(-1)?.header['Weapp-Code'], 'code-2')
  }
})

test('ERR_UNTRUSTED_RAW_DATA: for a login by code alone it ends all calls that wait', async (t) => {
  const { phone, session } = start({ answer: () => refused('ERR_UNTRUSTED_RAW_DATA', 401) })

  const ends = await Promise.all([1, 2, 3, 4, 5].map((n) => failure(session.request({ url: `/${n}` }))))

  t.deepEqual([phone.counts.login, phone.sent.length], [1, 1])
  t.true(ends.every(({ reason }) => reason === 'ERR_UNTRUSTED_RAW_DATA'))
})

// — What is asked of the user —

test('profile: nothing is asked but the code, unless the app says so', async (t) => {
  const { phone, session } = start({})
  await session.request({ url: '/' })
  t.is(phone.counts.getUserInfo, 0)

  const profile = () => ({ rawData: '{}', signature: 's' })
  const given = start({}, undefined, { profile })
  await given.session.request({ url: '/' })
  t.is(given.phone.sent[0]?.header['Weapp-Signature'], 's')
})

test.serial(
  'request(), the drop-in: it asks as in 2016, but not without consent, and never for longer than a second',
  async (t) => {
    const clock = clockOf(t)
    const phone = scriptedPhone()
    Object.assign(globalThis, { wx: phone.wx })
    t.teardown(() => void Reflect.deleteProperty(globalThis, 'wx'))
    let isMissing = true
    phone.wx.getPrivacySetting = ({ success }) => success?.({ needAuthorization: isMissing })
    phone.wx.getUserInfo = () => {
      phone.counts.getUserInfo += 1
    }
    // The module has one session: what is its server's, its login is refused.
    const ask = () => endOf(clock, request({ url: `${BASE}/` }), 3000)

    await ask()
    t.deepEqual([phone.counts.getUserInfo, phone.sent.length], [0, 1])

    isMissing = false
    phone.storage.clear()
    phone.wx.request = scriptedPhone({ answer: (_, n) => (n === 1 ? expired() : WELCOME) }).wx.request
    const startedAt = clock.now()
    await ask()
    t.is(phone.counts.getUserInfo, 1)
    t.true(clock.now() - startedAt <= 1500, `${clock.now() - startedAt} ms`)
  },
)

// — Who waits, and for how long —

test.serial('login: one call that hangs does not hold the others', async (t) => {
  const clock = clockOf(t)
  const { phone, session } = start({ answer: ({ url }) => (url.endsWith('/slow') ? undefined : WELCOME) })
  const slow = session.request({ url: '/slow' })
  slow.catch(() => {})
  await clock.advance(10)

  const others = [1, 2, 3].map((n) => session.request({ url: `/${n}` }))
  for (const { data } of await endOf(clock, Promise.all(others), 10_000)) t.is(data, 'welcome')

  t.true(clock.now() > 0)
  t.is(phone.counts.login, 1)
  slow.abort()
})

test.serial(
  'login: what a person starts after failures is tried at once; a program that polls is not',
  async (t) => {
    const clock = clockOf(t)
    let isWell = false
    const { phone, session } = start({
      answer: () => (isWell ? WELCOME : refused('ERR_SESSION_KEY_EXCHANGE_FAILED', 502)),
    })
    for (let n = 0; n < 40; n++) {
      session.request({ url: '/poll' }).catch(() => {})
      await clock.advance(200)
    }
    const before = phone.counts.login
    isWell = true
    await clock.advance(1100)

    t.is((await endOf(clock, session.request({ url: '/retry' }), 100)).data, 'welcome')
    t.is(phone.counts.login, before + 1)
  },
)

test.serial('wx.onNetworkStatusChange: once the network is back, the next call is tried', async (t) => {
  const clock = clockOf(t)
  let isWell = false
  let tell = (_: { isConnected: boolean }): void => {}
  const { phone, session } = start(
    { answer: () => (isWell ? WELCOME : { errMsg: 'request:fail' }) },
    undefined,
    {
      wx: (wx) => ({
        ...wx,
        onNetworkStatusChange(listener) {
          tell = listener
        },
      }),
    },
  )
  for (let n = 0; n < 300; n++) {
    session.request({ url: '/poll' }).catch(() => {})
    await clock.advance(100)
  }
  const before = phone.counts.login
  session.request({ url: '/poll' }).catch(() => {})
  isWell = true
  tell({ isConnected: true })

  t.is((await endOf(clock, session.request({ url: '/' }), 100)).data, 'welcome')
  t.is(phone.counts.login, before + 1)
})

test.serial(
  'deadline: it is for the beginning; what moves runs on, and each call may have its own',
  async (t) => {
    const clock = clockOf(t)
    const { phone, session } = start(
      { answer: () => undefined },
      { 'Weapp-Code': 'code-0' },
      { deadline: 1000 },
    )
    const stream = session.request({ url: '/stream' })
    const upload = session.uploadFile({ url: '/video', filePath: 'v', name: 'v' })
    const silent = failure(session.request({ url: '/silent', deadline: 300 }))
    await clock.advance(301)
    t.like(await silent, { code: 'ERR_DEADLINE', message: 'GET /silent: no answer within 300 ms' })

    for (let n = 0; n < 20; n++) {
      phone.sent[0]?.tell('ChunkReceived', { data: new ArrayBuffer(1) })
      phone.sent[1]?.tell('ProgressUpdate', { progress: n })
      await clock.advance(500)
    }
    phone.sent[0]?.answer(WELCOME)
    phone.sent[1]?.answer(WELCOME)
    t.is((await endOf(clock, stream, 100)).data, 'welcome')
    t.is((await endOf(clock, upload, 100)).data, 'welcome')

    const stalled = failure(session.request({ url: '/stalled' }))
    await clock.advance(10)
    phone.sent.at(-1)?.tell('ChunkReceived', { data: new ArrayBuffer(1) })
    await clock.advance(2100)
    t.is((await stalled).code, 'ERR_DEADLINE')
  },
)

for (const ms of [-3_600_000, 3_600_000]) {
  test.serial(`login: a clock that is set by ${ms} ms during a pause changes no pause`, async (t) => {
    const clock = clockOf(t)
    const { phone, session } = start({
      answer: (_, n) => (n === 1 ? refused('ERR_SESSION_KEY_EXCHANGE_FAILED', 502) : WELCOME),
    })
    const call = session.request({ url: '/' })
    await clock.advance(100)
    clock.freeze(ms)

    t.is((await endOf(clock, call, 250)).data, 'welcome')
    t.deepEqual([phone.counts.login, phone.sent.length], [2, 2])
  })
}

// — What is said —

test('SessionError: it says what was asked, what was answered, and why', async (t) => {
  const { session } = start({
    answer: () => ({
      statusCode: 401,
      data: {
        [MAGIC_ID]: 1,
        reason: 'ERR_SESSION_KEY_EXCHANGE_FAILED',
        error: { name: 'WeappSessionError', message: 'the code is invalid', detail: { errcode: 40029 } },
      },
    }),
  })

  t.like(await failure(session.request({ url: '/me?token=secret', method: 'post' })), {
    message: 'POST /me: 401 ERR_SESSION_KEY_EXCHANGE_FAILED (WeChat 40029): the code is invalid',
    method: 'POST',
    url: `${BASE}/me`,
    status: 401,
    reason: 'ERR_SESSION_KEY_EXCHANGE_FAILED',
    errcode: 40029,
    serverMessage: 'the code is invalid',
  })
})

test.serial('ERR_DEADLINE: its cause is the last refusal', async (t) => {
  const clock = clockOf(t)
  const answer = () => ({ ...refused('ERR_STORE_UNAVAILABLE', 503), header: { 'Retry-After': '2' } }) as Reply
  const { session } = start({ answer }, { 'Weapp-Code': 'c' }, { deadline: 1000 })
  const end = failure(session.request({ url: '/' }))
  await clock.advance(1001)

  const { code, cause } = await end

  t.is(code, 'ERR_DEADLINE')
  t.like(cause as SessionError, { status: 503, reason: 'ERR_STORE_UNAVAILABLE' })
})

test('createSession(): options that are unknown or make no sense are a TypeError, in a sentence', (t) => {
  for (const [options, message] of [
    [{ baseURL: BASE }, `baseURL cannot be ${BASE}: baseUrl?`],
    [{ url: BASE }, `url cannot be ${BASE}: baseUrl?`],
    [{ timeout: 5 }, 'timeout cannot be 5: loginTimeout?'],
    [{ colour: 'red' }, 'colour cannot be red'],
    [{ deadline: 0 }, 'deadline cannot be 0'],
    [{ deadline: Number.POSITIVE_INFINITY }, 'deadline cannot be Infinity'],
    [{ deadline: 2 ** 31 }, 'deadline cannot be 2147483648'],
    [{ protocol: 'cookie' }, 'protocol cannot be cookie'],
    [{ profile: 'userinfo' }, 'profile cannot be userinfo'],
    [{ origins: BASE }, `origins cannot be ${BASE}`],
    [{ wx: null }, 'wx cannot be null'],
  ] as const) {
    const error = t.throws(() => createSession(options as never), { instanceOf: TypeError, message })
    t.true(isSessionError(error))
  }
})

test('deadline of a call: one that makes no sense is said, and nothing is sent', async (t) => {
  const { phone, session } = start({})
  for (const deadline of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', null]) {
    const error = await failure(session.request({ url: '/', deadline } as never))
    t.like(error, { code: 'ERR_OPTIONS', message: `GET /: deadline cannot be ${deadline}` })
  }
  t.is(phone.sent.length, 0)
  t.like(await failure(session.request('/me' as never)), { code: 'ERR_OPTIONS' })
})

test('origins: with neither them nor a base no server gets the session', async (t) => {
  const phone = scriptedPhone()
  await createSession({ wx: phone.wx }).request({ url: `${BASE}/` })
  t.deepEqual([phone.counts.login, phone.sent[0]?.header], [0, {}])

  await createSession({ wx: phone.wx, origins: ['*'] }).request({ url: `${BASE}/` })
  t.is(phone.counts.login, 1)
})

test.serial(
  'console.warn: developers are told once what a phone does not say, and nobody else is',
  async (t) => {
    const { warn } = console
    const said: string[] = []
    console.warn = (text) => said.push(text)
    t.teardown(() => {
      console.warn = warn
    })
    const live = async (envVersion: string) => {
      const phone = scriptedPhone({
        login: () => ({ code: 'the code is a mock one' }),
        answer: () => ({ errMsg: 'request:fail url not in domain list', errno: 600002 }),
      })
      const wx = { ...phone.wx, getAccountInfoSync: () => ({ miniProgram: { appId: 'wx1', envVersion } }) }
      const baseUrl = 'http://hints.example.com'
      for (let n = 0; n < 2; n++) await failure(createSession({ baseUrl, wx }).request({ url: '/' }))
    }

    await live('release')
    t.deepEqual(said, [])
    await live('develop')
    await live('develop')

    t.deepEqual(said.map((text) => text.replace('weapp-session-client: ', '')).sort(), [
      'a second createSession for http://hints.example.com: share the first',
      'http://hints.example.com/ is not in 服务器域名 (mp.weixin.qq.com, 开发管理)',
      'phones want https: http://hints.example.com',
      'tourist mode: put an AppID into project.config.json',
    ])
  },
)

// — Helpers —

function start(
  script: Script,
  stored?: Record<string, string>,
  { wx, ...options }: Omit<SessionOptions, 'wx'> & { wx?: (wx: Wx) => Wx } = {},
) {
  const phone = scriptedPhone({ ...script, ...(stored && { stored: { kept: { v: 2, header: stored } } }) })
  const session = createSession({
    baseUrl: BASE,
    storageKey: 'kept',
    wx: wx ? wx(phone.wx) : phone.wx,
    ...options,
  })
  return { phone, session }
}

function refused(reason: string, statusCode: number): Exclude<Reply, undefined> {
  return { statusCode, data: { [MAGIC_ID]: 1, reason, error: { name: 'E', message: 'no' } } }
}

function expired(): Reply {
  return refused('ERR_SESSION_EXPIRED', 401)
}

async function failure(call: Promise<unknown>): Promise<SessionError> {
  const error: unknown = await call.then(
    (result) => new Error(`no failure: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  )
  if (!isSessionError(error)) throw error
  return error
}
