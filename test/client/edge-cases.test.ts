/**
 * What the other files pass by: the edges of addresses, errors, refusals, login data and times. The phone has a
 * script in place of a network, and where time matters, a clock of its own.
 */
import test from 'ava'
import {
  createSession,
  isSessionError,
  type Session,
  type SessionError,
  type SessionOptions,
} from '../../client/src/index.js'
import { headerNames, MAGIC_ID, PREFIX, type Reason } from '../../src/protocol.js'
import { until } from '../support/until.js'
import {
  type Reply,
  type Script,
  type ScriptedPhone,
  scriptedPhone,
  WELCOME,
} from './support/scripted-phone.js'
import { clockOf, endOf, type VirtualClock } from './support/virtual-clock.js'

const BASE = 'https://api.example.com'
const ERROR_HEADER = headerNames(PREFIX).error

// — Where the session goes —

test('baseUrl: names before an @ are no part of an origin: such an address gets the session', async (t) => {
  t.deepEqual(await withSession(['https://alice:secret@api.example.com/'], { baseUrl: BASE }), [true])
})

test('baseUrl: an address may be written in any way that means the same origin', async (t) => {
  for (const [origin, ...addresses] of [
    ['https://API.Example.com:443/v1/', 'https://api.example.com', 'HTTPS://api.example.COM:443/?a#b'],
    ['http://api.example.com', 'HTTP://API.example.com:80/', 'http://alice@api.example.com:80'],
    ['https://api.example.com:8443', 'https://api.example.com:8443/a'],
    ['wss://api.example.com', 'https://api.example.com/', 'https://api.example.com:443'],
  ] as const) {
    const answers = await withSession(addresses, { origins: [origin] })
    t.true(answers.every(Boolean), origin)
  }
})

test('baseUrl: another scheme or port is another origin, and a default port belongs to its own scheme', async (t) => {
  const addresses = ['http://api.example.com', 'https://api.example.com:80', 'https://api.example.com:4430']
  t.deepEqual(await withSession(addresses, { baseUrl: BASE }), [false, false, false])
})

test('baseUrl: the session is stored under the same name, however the base is written', async (t) => {
  for (const [path, bases] of [
    ['', [BASE, 'HTTPS://API.EXAMPLE.COM:443/', 'https://alice@api.example.com', 'WSS://api.example.com']],
    ['/v1', [`${BASE}/v1`, `${BASE}/v1//`, 'HTTPS://API.EXAMPLE.COM:443/v1']],
  ] as const) {
    for (const baseUrl of bases) {
      const phone = scriptedPhone()
      await createSession({ baseUrl, wx: phone.wx }).login()
      t.deepEqual([...phone.storage.keys()], [`weapp-session:wx1:release:${BASE}${path}`], baseUrl)
    }
  }
})

test('url: a relative address has one slash after the base, and keeps those of its own', async (t) => {
  const { phone, session } = start({}, { baseUrl: `${BASE}/v1///` })

  for (const url of ['a/b//c', '/a', '///a/b', '', '?a=/b']) await session.request({ url })

  t.deepEqual(
    phone.sent.map(({ url }) => url),
    ['a/b//c', 'a', 'a/b', '', '?a=/b'].map((rest) => `${BASE}/v1/${rest}`),
  )
})

test('url: a relative address that speaks of an absolute one is relative', async (t) => {
  const { phone, session } = start()

  await session.request({ url: '/go?to=https://other.example/' })

  t.is(phone.sent[0]?.url, `${BASE}/go?to=https://other.example/`)
  t.truthy(phone.sent[0]?.header['Weapp-Code'])
})

test('uploadFile(): the login before an upload asks the server that the upload goes to', async (t) => {
  for (const [url, asked] of [
    ['/files', `${BASE}/`],
    ['https://files.example.com/new?a', 'https://files.example.com'],
  ] as const) {
    const { phone, session } = start({}, { origins: ['https://files.example.com'] })

    await session.uploadFile({ url, filePath: 'a', name: 'a' })

    t.deepEqual(
      phone.sent.map(({ api }) => api),
      ['request', 'uploadFile'],
    )
    t.true([asked, `${asked}/`].includes(phone.sent[0]?.url ?? ''))
  }
})

test('connectSocket(): a socket has the scheme of sockets, and only there', async (t) => {
  const { phone, session } = start()

  await session.connectSocket({ url: '/chat?from=http://a.example' })
  await session.connectSocket({ url: 'WSS://api.example.com/chat?from=http://a.example' })

  t.deepEqual(
    phone.sent.filter(({ api }) => api === 'connectSocket').map(({ url }) => url),
    ['wss://api.example.com/chat?from=http://a.example', 'WSS://api.example.com/chat?from=http://a.example'],
  )
})

// — What an error says —

test('baseUrl: a base that is no URL is told when the session is made, as an error of the app’s author', (t) => {
  for (const options of [{ baseUrl: 'api.example.com' }, { baseUrl: BASE, origins: ['api.example.com'] }]) {
    const error = t.throws(() => createSession(options), { instanceOf: TypeError })
    t.like(error, { code: 'ERR_OPTIONS', message: 'no URL: api.example.com', retryable: false })
  }
})

test('ERR_OPTIONS: a mistake of the app’s author is named in words, before anything is sent', async (t) => {
  const { phone, session } = start()
  const { uploadFile: _, ...olderWx } = phone.wx
  const older = createSession({ baseUrl: BASE, wx: olderWx })
  const nowhere = createSession({ baseUrl: BASE })
  const mistake = { code: 'ERR_OPTIONS', phase: 'wait', attempts: 0, retryable: false }

  t.like(await failure(session.request({ url: 7 } as never)), {
    ...mistake,
    message: 'GET 7: url needs a baseUrl',
  })
  t.like(await failure(createSession({ wx: phone.wx }).request({ url: '/' })), {
    ...mistake,
    message: 'GET /: url needs a baseUrl',
  })
  t.like(await failure(older.uploadFile({ url: '/', filePath: 'a', name: 'a' })), {
    ...mistake,
    message: 'POST /: no wx.uploadFile',
    errMsg: 'uploadFile:fail no wx.uploadFile',
  })
  t.like(await failure(nowhere.request({ url: '/' })), { ...mistake, message: 'GET /: no wx' })
  t.deepEqual([phone.sent.length, phone.counts.login], [0, 0])
})

test('fail: it is called with whatever wx throws', async (t) => {
  for (const [thrown, message] of [
    [new TypeError('parameter.data should be String'), 'parameter.data should be String'],
    [{ message: 'no such thing' }, 'no such thing'],
    ['just a text', 'just a text'],
    [null, 'null'],
  ]) {
    const phone = scriptedPhone()
    const request = () => {
      throw thrown
    }
    const session = createSession({ baseUrl: BASE, wx: { ...phone.wx, request } })

    const error = await failure(session.request({ url: '/' }))

    t.like(error, {
      code: 'ERR_OPTIONS',
      message: `GET /: ${message}`,
      phase: 'request',
      attempts: 1,
      retryable: false,
    })
  }
})

test('SessionError: an error says where its call was: waiting, logging in, or on its way', async (t) => {
  const { session } = start({ answer: () => undefined }, { stored: 'code-0' })
  const { session: stranger } = start()

  const waiting = session.request({ url: '/' })
  waiting.abort()
  const boarding = session.request({ url: '/' })
  const guest = session.uploadFile({ url: 'https://other.example/', filePath: 'a', name: 'a' })
  const loggingIn = stranger.request({ url: '/' })
  // One turn later each is under way.
  await undefined
  for (const call of [boarding, guest, loggingIn]) call.abort()
  const sent = session.request({ url: '/' })
  await turns()
  sent.abort()

  const aborted = {
    code: 'ERR_ABORTED',
    message: 'GET /: abort',
    errMsg: 'request:fail abort',
    retryable: false,
  }
  t.like(await failure(waiting), { ...aborted, phase: 'wait', attempts: 0 })
  t.like(await failure(boarding), { ...aborted, phase: 'wait', attempts: 0 })
  t.like(await failure(loggingIn), { ...aborted, phase: 'login', attempts: 0 })
  t.like(await failure(guest), {
    ...aborted,
    message: 'POST https://other.example/: abort',
    errMsg: 'uploadFile:fail abort',
    phase: 'request',
    attempts: 1,
  })
  t.like(await failure(sent), { ...aborted, phase: 'request', attempts: 1 })
})

test('logout(): calls that run at logout say so, in any phase, and those to others run on', async (t) => {
  const { phone, session } = start({ answer: () => undefined }, { stored: 'code-0' })
  const waiting = session.request({ url: '/' })
  const elsewhere = session.request({ url: 'https://other.example/' })
  const sent = session.request({ url: '/' })
  await turns()
  const late = session.request({ url: '/' })

  await session.logout()

  for (const call of [waiting, sent, late]) {
    t.like(await failure(call), { code: 'ERR_LOGGED_OUT', message: 'GET /: logged out', retryable: false })
  }
  t.deepEqual([phone.storage.size, phone.sent.filter(({ isAborted }) => isAborted).length], [0, 2])
  phone.sent.find(({ url }) => url === 'https://other.example/')?.answer(WELCOME)
  t.is((await elsewhere).data, 'welcome')
})

test('loginTimeout: a wx.login that was given up and calls back late leaves no signature of another key', async (t) => {
  const late: ((result: { code: string }) => void)[] = []
  const profile = async () => {
    for (const success of late) success({ code: 'late' })
    return { rawData: '{}', signature: 'with the key of the late one' }
  }
  const { phone, session } = start({}, { loginTimeout: 50, profile })
  const logIn = phone.wx.login
  phone.wx.login = ({ success = () => {} }) => late.push(success)
  t.is((await failure(session.request({ url: '/' }))).code, 'ERR_LOGIN')
  phone.wx.login = logIn

  await session.request({ url: '/' })

  t.deepEqual(
    phone.sent.map(({ header }) => header),
    [{ 'Weapp-Code': 'code-1', 'Weapp-Login': 'code' }],
  )
})

test('deadline: a call that nobody answers ends at its deadline, says so, and is aborted', async (t) => {
  const { phone, session } = start({ answer: () => undefined }, { deadline: 300 })

  const error = await failure(session.request({ url: '/' }))

  t.like(error, {
    code: 'ERR_DEADLINE',
    message: 'GET /: no answer within 300 ms',
    errMsg: 'request:fail no answer within 300 ms',
    retryable: true,
  })
  t.true(phone.sent[0]?.isAborted)
})

test('isSessionError(): an error of another copy of the client is known by its brand, and nothing else is', (t) => {
  const BRAND = 'weapp-session-client:error'
  const error = t.throws(() => createSession({ baseUrl: 'none' }))
  const ofAnotherCopy = Object.assign(new Error('abort'), { [BRAND]: true })

  t.true(isSessionError(error))
  t.true((error as unknown as Record<string, unknown>)[BRAND])
  t.true(isSessionError(ofAnotherCopy))
  for (const foreign of [
    new Error('abort'),
    { '': true },
    { code: 'ERR_ABORTED' },
    null,
    undefined,
    BRAND,
    7,
  ]) {
    t.false(isSessionError(foreign))
  }
})

// — What counts as a refusal —

test('downloadFile(): a refusal in bytes is short: what has 2048 of them or more is somebody’s file', async (t) => {
  for (const [length, isRefusal] of [
    [300, true],
    [2047, true],
    [2048, false],
    [5000, false],
  ] as const) {
    const bytes = new TextEncoder().encode(JSON.stringify(refusal('ERR_BAD_REQUEST')).padEnd(length)).buffer
    const { session } = start({ answer: () => ({ statusCode: 400, data: bytes }) }, { stored: 'code-0' })

    const call = session.request({ url: '/', responseType: 'arraybuffer' })

    if (isRefusal) t.is((await failure(call)).reason, 'ERR_BAD_REQUEST', `${length}`)
    else t.is((await call).data, bytes, `${length}`)
  }
})

test('downloadFile(): a refusal in a text is one, and a text that only mentions one is not', async (t) => {
  const text = JSON.stringify(refusal('ERR_BAD_REQUEST'))
  const { session } = start({ answer: () => ({ statusCode: 400, data: text }) }, { stored: 'code-0' })
  t.like(await failure(session.request({ url: '/' })), {
    code: 'ERR_REFUSED',
    reason: 'ERR_BAD_REQUEST',
    message: 'GET /: 400 ERR_BAD_REQUEST: ERR_BAD_REQUEST',
    statusCode: 400,
    retryable: false,
  })

  for (const data of [`${MAGIC_ID}!`, `see ${text}`, `"${MAGIC_ID}"`, '', 'null', '{}']) {
    const { session } = start({ answer: () => ({ statusCode: 200, data }) }, { stored: 'code-0' })
    t.is((await session.request({ url: '/' })).data, data)
  }
})

test.serial('legacyStatus: an older server’s 200 means what its errcode means', async (t) => {
  const clock = clockOf(t)
  for (const [errcode, statusCode, retryable] of [
    [40226, 403, false],
    [45011, 429, true],
    [45009, 429, true],
    [40125, 401, true],
    [undefined, 401, true],
  ] as const) {
    const data = refusal('ERR_SESSION_KEY_EXCHANGE_FAILED', errcode)
    const { phone, session } = start({ answer: () => ({ statusCode: 200, data }) }, { profile: 'none' })

    const error = await failure(soon(clock, session.request({ url: '/' })))

    t.like(error, { code: 'ERR_REFUSED', statusCode, retryable }, `${errcode}`)
    // What is hopeless is not tried again.
    t.is(phone.counts.login > 1, statusCode === 401, `${errcode}`)
  }
})

test('X-WX-Session-Error: a reason that only looks like a known one asks for nothing', async (t) => {
  for (const known of ['ERR_SESSION_EXPIRED', 'ERR_STORE_UNAVAILABLE']) {
    for (const reason of [`${known}_TWICE`, `NO_${known}`]) {
      const answer = () => refused(reason as Reason, 503)
      const { phone, session } = start({ answer }, { stored: 'code-0' })

      const error = await failure(session.request({ url: '/' }))

      t.like(error, { code: 'ERR_REFUSED', reason, retryable: false, attempts: 1 })
      t.deepEqual([phone.sent.length, phone.counts.login, phone.storage.size], [1, 0, 1])
    }
  }
})

// — What a login carries —

test('wx.login: a code that is none fails the login, and nothing is sent', async (t) => {
  for (const result of [{}, { code: '' }, { code: 7 }, { code: { a: 1 } }, { code: null }]) {
    const { phone, session } = start({ login: () => result })

    const error = await failure(session.request({ url: '/' }))

    t.like(error, {
      code: 'ERR_LOGIN',
      message: 'GET /: login:no code',
      errMsg: 'login:no code',
      phase: 'login',
    })
    t.like(error, { attempts: 0, retryable: true, cause: { errMsg: 'login:no code' } })
    t.is(phone.sent.length, 0)
  }
})

test('getUserInfo: user info goes with the login when it is whole; otherwise the code goes alone', async (t) => {
  const whole = { rawData: '{"nickName":"爱丽丝"}', signature: 'signed' }
  const { phone, session } = start({ userInfo: whole })
  await session.login()
  t.deepEqual(phone.sent[0]?.header, {
    'Weapp-Code': 'code-1',
    'Weapp-RawData': encodeURIComponent(whole.rawData),
    'Weapp-Signature': 'signed',
  })

  for (const userInfo of [
    { ...whole, rawData: undefined },
    { ...whole, rawData: { nickName: 'alice' } },
    { ...whole, signature: undefined },
    { ...whole, signature: 7 },
    { rawData: 7, signature: 7 },
    { errMsg: 'getUserInfo:ok' },
    'text',
  ]) {
    const { phone, session } = start({ userInfo })
    await session.login()
    t.deepEqual(phone.sent[0]?.header, { 'Weapp-Code': 'code-1', 'Weapp-Login': 'code' }, `${userInfo}`)
  }
})

test('getUserInfo: it is not called where wx has none, or the app wants none', async (t) => {
  for (const profile of ['none', 'userInfo'] as const) {
    const phone = scriptedPhone()
    const { getUserInfo: _, ...without } = phone.wx
    const session = createSession({ baseUrl: BASE, profile, wx: profile === 'none' ? phone.wx : without })

    await session.request({ url: '/' })

    t.is(phone.counts.getUserInfo, 0)
    t.deepEqual(phone.sent[0]?.header, { 'Weapp-Code': 'code-1', 'Weapp-Login': 'code' })
  }
})

test('Weapp-Login: accepted makes a session, whatever the status; without it no answer does', async (t) => {
  for (const statusCode of [200, 204, 302, 404, 429, 499, 500, 503, 599]) {
    for (const [header, isSession] of [
      [{ 'weapp-login': 'accepted' }, true],
      [{ 'x-wx-login': 'accepted' }, true],
      [{ 'Weapp-Login': 'code' }, false],
      [{}, false],
    ] as const) {
      const { phone, session } = start({ answer: (_, n) => (n === 1 ? { statusCode, header } : WELCOME) })

      t.is((await session.request({ url: '/first' })).statusCode, statusCode)
      t.is((await session.request({ url: '/second' })).statusCode, 200)

      t.is(
        'Weapp-RawData' in (phone.sent[1]?.header ?? {}),
        !isSession,
        `${statusCode} ${JSON.stringify(header)}`,
      )
    }
  }
})

// — What is sent twice —

test.serial(
  'createSession(): it repeats only safe and idempotent methods: no POST, PATCH or XGET, but DELETE',
  async (t) => {
    const clock = clockOf(t)
    for (const [method, attempts] of [
      [undefined, 2],
      ...['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'get', 'Delete'].map((safe) => [safe, 2] as const),
      ...['POST', 'post', 'PATCH', 'CONNECT', 'TRACE', 'XGET', 'GETX'].map((other) => [other, 1] as const),
    ] as const) {
      // Within a session, and at its login.
      for (const stored of [{ stored: 'code-0' }, {}]) {
        const { phone, session } = start({ answer: busyOnce }, stored)

        const call = session.request({ url: '/', ...(method && { method }) })
        await clock.advance(5000)

        if (attempts === 1)
          t.like(await failure(call), { reason: 'ERR_STORE_UNAVAILABLE', attempts, retryable: true })
        else t.is((await call).data, 'welcome')
        t.is(phone.sent.length, attempts, `${method}`)
      }
    }
  },
)

test.serial(
  'ERR_STORE_UNAVAILABLE: while the store is away, logins and downloads are repeated, and uploads are not',
  async (t) => {
    const clock = clockOf(t)
    const { phone, session } = start({ answer: busyOnce })
    const login = session.login()
    await clock.advance(5000)
    await login
    t.is(phone.sent.length, 2)

    for (const [api, attempts] of [
      ['downloadFile', 2],
      ['uploadFile', 1],
    ] as const) {
      const { phone, session } = start({ answer: busyOnce }, { stored: 'code-0' })
      const call = session[api]({ url: '/', filePath: 'a', name: 'a' })
      await clock.advance(5000)

      if (attempts === 2) t.is((await call).statusCode, 200)
      else t.is((await failure(call)).reason, 'ERR_STORE_UNAVAILABLE')
      t.is(phone.sent.length, attempts)
    }
  },
)

test.serial(
  'Retry-After: a repetition waits as long as the server says, or a little longer each time',
  async (t) => {
    const clock = clockOf(t)
    for (const [header, pauses] of [
      [{ 'Retry-After': '7' }, [7000, 7000, 7000]],
      [{ 'retry-after': '2' }, [2000, 2000, 2000]],
      [{}, [200, 400, 600]],
      [{ 'Retry-After': 'soon' }, [200, 400, 600]],
    ] as const) {
      const sentAt: number[] = []
      const answer = () => {
        sentAt.push(clock.now())
        return refused('ERR_STORE_UNAVAILABLE', 503, header)
      }
      const { session } = start({ answer }, { stored: 'code-0' })

      const call = session.request({ url: '/' })
      await clock.advance(30_000)

      t.like(await failure(call), { reason: 'ERR_STORE_UNAVAILABLE', attempts: 4, statusCode: 503 })
      t.deepEqual(between(sentAt), [...pauses])
    }
  },
)

test('downloadFile(): a download’s first 401 without a header is asked about, and is the app’s where the session lives', async (t) => {
  const { phone, session } = start({
    answer: ({ api }) => (api === 'request' ? WELCOME : { statusCode: 401 }),
  })
  await session.login()

  const { statusCode } = await session.downloadFile({ url: '/a' })

  t.deepEqual([statusCode, phone.counts.login], [401, 1])
  t.deepEqual(
    phone.sent.map(({ api }) => api),
    ['request', 'downloadFile', 'request', 'request'],
  )
})

test('downloadFile(): all other answers, and any of uploadFile(), are the app’s', async (t) => {
  for (const [api, statusCode] of [
    ['downloadFile', 403],
    ['downloadFile', 404],
    ['uploadFile', 401],
  ] as const) {
    const { phone, session } = start({ answer: () => ({ statusCode }) }, { stored: 'code-0' })

    t.is((await session[api]({ url: '/a', filePath: 'a', name: 'a' })).statusCode, statusCode)

    t.deepEqual([phone.sent.length, phone.storage.size], [1, 1])
  }
})

test('downloadFile(): a download’s 401 whose header is heard is the app’s, unless that header refuses', async (t) => {
  const { phone, session } = start({ answer: () => ({ statusCode: 401, header: {} }) }, { stored: 'code-0' })
  t.is((await session.downloadFile({ url: '/a' })).statusCode, 401)
  t.is(phone.sent.length, 1)

  const other = start(
    { answer: (_, n) => (n === 1 ? refused('ERR_SESSION_EXPIRED', 401) : WELCOME) },
    { stored: 'code-0' },
  )
  t.is((await other.session.downloadFile({ url: '/a' })).statusCode, 200)
  t.deepEqual(
    other.phone.sent.map(({ api }) => api),
    ['downloadFile', 'request', 'downloadFile'],
  )
})

// — Tasks —

test('task: it works with a wx that returns no task', async (t) => {
  const phone = scriptedPhone()
  const nothing = (call: (options: never) => unknown) => (options: never) => void call(options)
  const wx = {
    ...phone.wx,
    request: nothing(phone.wx.request),
    downloadFile: nothing(phone.wx.downloadFile as never),
  } as unknown as typeof phone.wx
  const session = createSession({ baseUrl: BASE, wx })

  t.is((await session.request({ url: '/' })).data, 'welcome')
  t.is((await session.downloadFile({ url: '/' })).statusCode, 200)
})

test('onHeadersReceived(): a listener that is taken away hears nothing more, in the middle of a call too', async (t) => {
  const { phone, session } = start({ answer: () => undefined }, { stored: 'code-0' })
  const heard: string[] = []
  const listener = (name: string) => () => void heard.push(name)
  const one = listener('one')
  const call = session.downloadFile({ url: '/a' })
  call.onProgressUpdate(one)
  call.onProgressUpdate(listener('two'))
  call.onHeadersReceived(listener('headers'))
  call.onHeadersReceived(listener('headers again'))
  await turns()
  const [sent] = phone.sent
  const progress = () => sent?.tell('ProgressUpdate', { progress: 1 })

  progress()
  call.offProgressUpdate(one)
  progress()
  call.onProgressUpdate(one)
  call.offProgressUpdate()
  progress()
  sent?.tell('HeadersReceived', { header: {} })
  call.offHeadersReceived()
  sent?.answer({ statusCode: 200, header: {} })
  await call

  t.deepEqual(heard, ['one', 'two', 'two', 'headers', 'headers again'])
})

test('onHeadersReceived(): a listener that throws keeps no other from hearing', async (t) => {
  const { phone, session } = start({}, { stored: 'code-0' })
  const shown: unknown[] = []
  const { error: show } = console
  console.error = (error: unknown) => void shown.push(error)
  t.teardown(() => {
    console.error = show
  })
  const thrown = new Error('a listener of the app')
  const heard: unknown[] = []
  const call = session.request({ url: '/' })
  call.onHeadersReceived(() => {
    throw thrown
  })
  call.onHeadersReceived((result) => heard.push(result))

  t.is((await call).data, 'welcome')

  t.deepEqual([heard.length, phone.sent.length], [1, 1])
  t.true(shown.includes(thrown))
})

test('onHeadersReceived(): listeners hear neither a refusal, nor what follows in that attempt', async (t) => {
  const { phone, session } = start({ answer: () => undefined }, { stored: 'code-0' })
  const heard: string[] = []
  const call = session.request({ url: '/', enableChunked: true })
  call.onHeadersReceived(({ header }) => heard.push(`headers ${header.of}`))
  call.onChunkReceived(() => heard.push('chunk'))
  await turns()
  const [refusedOne] = phone.sent
  refusedOne?.tell('HeadersReceived', { header: { [ERROR_HEADER.toLowerCase()]: 'ERR_SESSION_EXPIRED' } })
  refusedOne?.tell('ChunkReceived', {})
  refusedOne?.answer(refused('ERR_SESSION_EXPIRED', 401))
  await until(() => phone.sent.length === 2)
  const [, second] = phone.sent

  refusedOne?.tell('HeadersReceived', { header: { of: 'the first' } })
  refusedOne?.tell('HeadersReceived', { header: { [ERROR_HEADER]: 'ERR_SESSION_EXPIRED' } })
  second?.tell('HeadersReceived', { header: { of: 'the second' } })
  second?.tell('ChunkReceived', {})
  second?.answer({ statusCode: 200 })
  await call

  t.deepEqual(heard, ['headers the second', 'chunk'])
})

test('connectSocket(): a handshake that fails is asked about once, whatever its text, and only before it opened', async (t) => {
  for (const errMsg of [undefined, '', 'Invalid HTTP status.', 'code: 14010', 'Invalid HTTP status: 401']) {
    const { phone, session } = start({}, { stored: 'code-0' })
    await session.connectSocket({ url: '/chat?room=1' })
    const [sent] = phone.sent

    for (let n = 1; n <= 2; n++) sent?.tell('Error', errMsg === undefined ? {} : { errMsg })
    await turns()

    t.deepEqual(
      phone.sent.map(({ api, url, header }) => [api, url, header['Weapp-Code']]),
      [
        ['connectSocket', 'wss://api.example.com/chat?room=1', 'code-0'],
        ['request', 'https://api.example.com/chat?room=1', 'code-0'],
        // That one says nothing of the session, and this is the last.
        ['request', 'https://api.example.com/', 'code-0'],
      ],
    )
    t.is(phone.storage.size, 1)
  }

  const { phone, session } = start({}, { stored: 'code-0' })
  await session.connectSocket({ url: '/chat' })
  phone.sent[0]?.tell('Open', { header: {} })
  phone.sent[0]?.tell('Error', { errMsg: 'lost' })
  await turns()
  t.is(phone.sent.length, 1)
})

test('connectSocket(): only a refusal of the session ends it, and the next connection waits for that', async (t) => {
  const answers: [Reply, isOver: boolean][] = [
    [refused('ERR_SESSION_EXPIRED', 401), true],
    [refused('ERR_LOGIN_REQUIRED', 401), true],
    [refused('ERR_BAD_REQUEST', 400), false],
    [{ statusCode: 401 }, false],
    [{ statusCode: 404 }, false],
    [{ statusCode: 503 }, false],
    [{ errMsg: 'request:fail' }, false],
  ]
  for (const [reply, isOver] of answers) {
    for (const loginPath of [undefined, '/login']) {
      const answer = async ({ header, api }: { header: Record<string, string>; api: string }) => {
        await turns()
        return api === 'request' && header['Weapp-Code'] === 'code-0' ? reply : WELCOME
      }
      const { phone, session } = start({ answer }, { stored: 'code-0', ...(loginPath && { loginPath }) })
      await session.connectSocket({ url: '/chat' })
      phone.sent[0]?.tell('Error', { errMsg: 'Invalid HTTP status.' })

      await session.connectSocket({ url: '/chat' })

      const last = phone.sent.at(-1)
      t.deepEqual([last?.api, last?.header['Weapp-Code']], ['connectSocket', isOver ? 'code-1' : 'code-0'])
      const asked = phone.sent.filter(({ api }) => api === 'request').map(({ url }) => url)
      t.deepEqual(asked.slice(0, 2), [`${BASE}/chat`, `${BASE}${loginPath ?? (isOver ? '/chat' : '/')}`])
      t.is(phone.storage.size, 1)
    }
  }
})

test.serial('connectSocket(): a store that is away, however long, never ends the session', async (t) => {
  const clock = clockOf(t)
  const answer = ({ api }: { api: string }) =>
    api === 'request' ? refused('ERR_STORE_UNAVAILABLE', 503) : WELCOME
  const { phone, session } = start({ answer }, { stored: 'code-0' })

  for (let n = 1; n <= 5; n++) {
    await soon(clock, session.connectSocket({ url: '/chat' }))
    phone.sent.findLast(({ api }) => api === 'connectSocket')?.tell('Error', {})
    await clock.advance(10_000)
  }

  t.deepEqual([phone.counts.login, phone.storage.size], [0, 1])
  t.true(phone.sent.every(({ header }) => header['Weapp-Code'] === 'code-0'))
})

test('connectSocket(): a handshake with another origin that fails is not asked about', async (t) => {
  const { phone, session } = start({}, { stored: 'code-0' })
  await session.connectSocket({ url: 'wss://other.example/chat' })

  phone.sent[0]?.tell('Error', { errMsg: 'Invalid HTTP status.' })
  await turns()

  t.deepEqual([phone.sent.length, phone.storage.size], [1, 1])
})

test('abort(): a socket that is aborted before there is one is closed', async (t) => {
  const { phone, session } = start({ answer: () => undefined }, { stored: 'code-0' })
  const call = session.connectSocket({ url: '/chat' })
  await turns()

  call.abort()

  t.is((await failure(call)).code, 'ERR_ABORTED')
  t.true(phone.sent[0]?.isAborted)
})

// — Who takes over —

test('abort(): a login may be aborted at any moment: the next call takes over', async (t) => {
  for (let n = 0; n <= 40; n++) {
    const { session } = start({ userInfo: {} }, { profile: () => aborting(n), deadline: 2000 })
    const leader = session.request({ url: '/' })

    // Whoever was aborted has failed, or had its answer just before.
    await leader.catch(() => undefined)
    t.is((await session.request({ url: '/' })).data, 'welcome', `after ${n} turns`)

    async function aborting(turns: number): Promise<undefined> {
      afterTurns(turns).then(() => leader.abort())
    }
  }
})

test('uploadFile(): no file carries a login, even where the session ends between the login and the file', async (t) => {
  const phone = scriptedPhone({
    answer: ({ url }) => (url.endsWith('/gone') ? refused('ERR_SESSION_EXPIRED', 401) : WELCOME),
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx, deadline: 2000 })
  // The first session is refused as soon as it has begun.
  const stop = session.onChange(() => {
    stop()
    session.request({ url: '/gone' }).catch(() => {})
  })

  await session.uploadFile({ url: '/', filePath: 'a', name: 'a' })

  const file = phone.sent.find(({ api }) => api === 'uploadFile')
  t.deepEqual(Object.keys(file?.header ?? {}), ['Weapp-Code'])
})

// — How long logins wait —

test.serial(
  'login: logins that fail and fail are tried after 2, 4, 8 … 60 seconds, and never later',
  async (t) => {
    const clock = clockOf(t)
    const { session, sentAt } = startFailing(clock)

    await callEvery100ms(clock, session, 300_000)

    const pauses = between(sentAt)
    t.deepEqual(pauses.slice(0, 2), [300, 600])
    t.deepEqual(pauses.slice(2, 10), [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  },
)

test.serial('login: a login that succeeds resets the count of those that failed', async (t) => {
  const clock = clockOf(t)
  const { session, sentAt, mend, spoil } = startFailing(clock)
  await callEvery100ms(clock, session, 20_000)
  mend()
  await clock.advance(60_000)
  await soon(clock, session.request({ url: '/' }))
  await session.logout()
  spoil()

  await callEvery100ms(clock, session, 8000)

  t.deepEqual(between(sentAt), [300, 600, 2000, 4000])
})

test.serial('request(): a gateway’s error pages are each given to the app, and block nobody', async (t) => {
  const clock = clockOf(t)
  const { phone, session } = start({ answer: (_, n) => (n <= 5 ? { statusCode: 502 } : WELCOME) })

  const calls = Array.from({ length: 8 }, (_, n) => session.request({ url: `/${n}` }))
  await clock.advance(5000)
  const statuses = (await Promise.all(calls)).map(({ statusCode }) => statusCode)

  t.deepEqual(statuses, [502, 502, 502, 502, 502, 200, 200, 200])
  t.deepEqual([phone.counts.login, phone.sent.length], [1, 8])
})

test.serial(
  'login: two sessions that end at once stop the logins for a minute, but for what a person starts',
  async (t) => {
    const clock = clockOf(t)
    const { phone, session, end } = startMortal()
    const ask = () => soon(clock, session.request({ url: '/' }))
    await ask()
    end()
    await ask()
    end()

    for (let n = 1; n <= 3; n++) {
      t.like(await failure(ask()), {
        code: 'ERR_REFUSED',
        reason: 'ERR_SESSION_EXPIRED',
        statusCode: 401,
        message: 'GET /: sessions end at once: see loginPath',
        retryable: true,
      })
      // A program that polls.
      await clock.advance(500)
    }
    t.is(phone.counts.login, 2)
    await clock.advance(1000)

    t.is((await ask()).data, 'welcome')
    t.is(phone.counts.login, 3)
  },
)

test.serial(
  'login: sessions that have worked may end as often as they like, and so may those that lived for a while',
  async (t) => {
    const clock = clockOf(t)
    const { phone, session, end } = startMortal()
    const ask = () => soon(clock, session.request({ url: '/' }))
    await ask()

    for (let n = 1; n <= 10; n++) {
      await ask()
      end()
      t.is((await ask()).data, 'welcome')
    }
    t.is(phone.counts.login, 11)
    // A development server that is restarted ten times a minute, and asked once in between.
    for (let n = 1; n <= 10; n++) {
      await clock.advance(6000)
      end()
      t.is((await ask()).data, 'welcome')
    }
    t.is(phone.counts.login, 21)
  },
)

test.serial(
  'login: the third login in a row that fails is the last for a while, whatever failed',
  async (t) => {
    const clock = clockOf(t)
    const replies: Reply[] = [
      refused('ERR_SESSION_EXPIRED', 401),
      { errMsg: 'request:fail' },
      refused('ERR_SESSION_EXPIRED', 401),
    ]
    const { phone, session } = start({ answer: () => replies.shift() ?? WELCOME })
    const ask = () => soon(clock, session.request({ url: '/' }))
    t.like(await failure(ask()), { code: 'ERR_NETWORK', attempts: 2 })
    await clock.advance(61_000)

    t.like(await failure(ask()), { code: 'ERR_REFUSED', reason: 'ERR_SESSION_EXPIRED', attempts: 1 })
    t.like(await failure(ask()), { code: 'ERR_REFUSED', attempts: 0 })
    t.is(phone.sent.length, 3)
    await clock.advance(2000)
    t.is((await ask()).data, 'welcome')
  },
)

test.serial(
  'Retry-After: after a login that came too often there is none for as long as the server says',
  async (t) => {
    const clock = clockOf(t)
    for (const [header, ms] of [
      [{ 'Retry-After': '5' }, 5000],
      [{}, 60_000],
    ] as const) {
      const answer = (_: unknown, n: number) =>
        n === 1 ? refused('ERR_SESSION_KEY_EXCHANGE_FAILED', 429, header) : WELCOME
      const { phone, session } = start({ answer })
      const ask = () => soon(clock, session.request({ url: '/' }))
      t.like(await failure(ask()), { statusCode: 429, attempts: 1 })

      await clock.advance(ms - 100)
      t.like(await failure(ask()), { statusCode: 429, attempts: 0, phase: 'login' })
      t.is(phone.counts.login, 1)
      await clock.advance(200)
      t.is((await ask()).data, 'welcome')
    }
  },
)

test.serial(
  'X-WX-Code: a code is sent until it is four and a half minutes old, and then no more',
  async (t) => {
    const clock = clockOf(t)
    for (const [age, sent] of [
      [269_999, 'code-1'],
      [270_000, 'code-2'],
    ] as const) {
      const profile = () =>
        new Promise<undefined>((resolve) =>
          setTimeout(() => resolve(undefined), phone.counts.login === 1 ? age : 0),
        )
      const { phone, session } = start({}, { profile, loginTimeout: 300_000, deadline: 900_000 })

      const call = session.request({ url: '/' })
      await clock.advance(300_000)
      await call

      t.deepEqual(
        phone.sent.map(({ header }) => header['Weapp-Code']),
        [sent],
      )
    }
  },
)

// — Helpers —

/** A session on a scripted phone; `stored`: the code of one that began at an earlier launch. */
test('SessionError: the code of an error is ours, whatever wx throws', async (t) => {
  const phone = scriptedPhone()
  const request = () => {
    throw Object.assign(new Error('denied'), { code: 'EPERM', retryable: true })
  }
  const session = createSession({ baseUrl: BASE, wx: { ...phone.wx, request } })
  const error = (await t.throwsAsync(session.request({ url: '/' }))) as SessionError
  t.like(error, { code: 'ERR_OPTIONS', message: 'GET /: denied', retryable: false })
})

test('SessionError: a text that wx throws is the message, and nothing else of the error', async (t) => {
  const phone = scriptedPhone()
  const request = () => {
    throw 'text'
  }
  const session = createSession({ baseUrl: BASE, wx: { ...phone.wx, request } })
  const error = (await t.throwsAsync(session.request({ url: '/' }))) as SessionError
  t.false('0' in error)
})

test('SessionError: its message never says ok', async (t) => {
  const phone = scriptedPhone({ answer: () => ({ statusCode: 502 }) })
  const session = createSession({ baseUrl: BASE, wx: phone.wx })
  const error = (await t.throwsAsync(session.login())) as SessionError
  t.notRegex(error.errMsg, /:ok/)
})

function start(
  script: Script = {},
  { stored, ...options }: SessionOptions & { stored?: string } = {},
): { phone: ScriptedPhone; session: Session } {
  const kept = { v: 2, header: { 'Weapp-Code': stored } }
  const phone = scriptedPhone({ ...script, ...(stored && { stored: { kept } }) })
  const session = createSession({
    baseUrl: BASE,
    storageKey: 'kept',
    profile: 'userInfo',
    wx: phone.wx,
    ...options,
  })
  return { phone, session }
}

/** A session whose logins do not reach the server. */
function startFailing(clock: VirtualClock) {
  let isMended = false
  const sentAt: number[] = []
  const { session } = start({
    answer() {
      sentAt.push(clock.now())
      return isMended ? WELCOME : refused('ERR_SESSION_KEY_EXCHANGE_FAILED', 502)
    },
  })
  return {
    session,
    sentAt,
    mend() {
      isMended = true
    },
    spoil() {
      isMended = false
      sentAt.length = 0
    },
  }
}

/** A session that ends when it is told to. */
function startMortal() {
  const dead = new Set<string | undefined>()
  let last = ''
  const { phone, session } = start(
    {
      login(n) {
        last = `code-${n}`
        return { code: last }
      },
      answer: ({ header }) =>
        dead.has(header['Weapp-Code']) ? refused('ERR_SESSION_EXPIRED', 401) : WELCOME,
    },
    { profile: 'none' },
  )
  return { phone, session, end: () => void dead.add(last) }
}

/** Which of these addresses are sent with the session. */
async function withSession(addresses: readonly string[], options: SessionOptions): Promise<boolean[]> {
  const phone = scriptedPhone({ stored: { kept: { v: 2, header: { 'Weapp-Code': 'code-0' } } } })
  const session = createSession({ ...options, storageKey: 'kept', wx: phone.wx })
  for (const url of addresses) await session.request({ url })
  return phone.sent.map(({ header }) => header['Weapp-Code'] === 'code-0')
}

/** The error of a call that must fail. */
async function failure(call: Promise<unknown>): Promise<SessionError> {
  const error: unknown = await call.then(
    (result) => new Error(`no failure: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  )
  if (!isSessionError(error)) throw error
  return error
}

function refusal(reason: Reason, errcode?: number) {
  const detail = errcode === undefined ? {} : { detail: { errcode } }
  return { [MAGIC_ID]: 1, reason, error: { name: 'WeappSessionError', message: reason, ...detail } }
}

function refused(reason: Reason, statusCode: number, header: Record<string, string> = {}): Reply {
  return { statusCode, data: refusal(reason), header: { ...header, [ERROR_HEADER]: reason } }
}

function busyOnce(_: unknown, n: number): Reply {
  return n === 1 ? refused('ERR_STORE_UNAVAILABLE', 503) : WELCOME
}

/** The call, when it has ended; at most two seconds later. */
function soon<Result>(clock: VirtualClock, call: Promise<Result>): Promise<Result> {
  return endOf(clock, call, 2000)
}

async function callEvery100ms(clock: VirtualClock, session: Session, ms: number): Promise<void> {
  const until = clock.now() + ms
  while (clock.now() < until) {
    await soon(clock, session.request({ url: '/' })).catch(() => undefined)
    await clock.advance(100)
  }
}

function between(times: number[]): number[] {
  return times.slice(1).map((time, n) => time - (times[n] ?? 0))
}

/** Lets promises go as far as they can. */
function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function afterTurns(turns: number): Promise<void> {
  for (let n = 0; n < turns; n++) await undefined
}
