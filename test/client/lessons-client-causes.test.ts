/**
 * The traps of the other clients that were compared, and what none of them has: refusals by cause, logout, uploads,
 * downloads, sockets. `1c` and `§2` number those lists. Deadlines: lessons-client-deadlines.test.ts.
 */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import { WebSocketServer } from 'ws'
import request, {
  createSession,
  isSessionError,
  type RequestOptions,
  type SessionError,
  type SessionOptions,
  type WxSocketTask,
} from '../../client/src/index.js'
import type { Phone } from '../../simulator/src/index.js'
import { type Reason, requireWxUser, type WxUserInfo } from '../../src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { startServer } from '../support/server.js'
import { until } from '../support/until.js'
import { startWechat } from '../support/wechat.js'
import { fails, listening, type Started, silence, start, succeeds } from './support/client-calls.js'
import { codeOf, failingStore, isLogin, nothingIsLeftUncaught, startOdd } from './support/odd-server.js'

interface Answer {
  user: WxUserInfo
}

nothingIsLeftUncaught(test)

// — Refusals by cause —

// §2.9.
test('errcode 40226: a blocked account: one login, an error at once, for the next calls too', async (t) => {
  const { session, phone, wechat } = await start(t)
  wechat.fail({ errcode: 40226 }, { times: 10 })
  const startedAt = Date.now()

  for (let n = 1; n <= 3; n++) {
    const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
    t.deepEqual([error.reason, error.statusCode], ['ERR_SESSION_KEY_EXCHANGE_FAILED', 403])
    t.false(error.retryable)
  }

  t.true(Date.now() - startedAt < 10_000)
  t.deepEqual([phone.counts.login, wechat.exchanges, phone.counts.request], [1, 1, 1])
})

// §2.9.
test('errcode 45011: too often: one login, and none for as long as the server says', async (t) => {
  const { session, phone, wechat } = await start(t)
  wechat.fail({ errcode: 45011 })

  const errors = await Promise.all(
    Array.from({ length: 5 }, () => fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))),
  )
  await sleep(1000)
  errors.push(await fails(t, (callbacks) => session.request({ url: '/', ...callbacks })))

  for (const { reason, statusCode, retryable } of errors) {
    t.deepEqual([reason, statusCode, retryable], ['ERR_SESSION_KEY_EXCHANGE_FAILED', 429, true])
  }
  t.deepEqual([phone.counts.login, wechat.exchanges, phone.counts.request], [1, 1, 1])
})

// §2.9.
test('errcode 45011 and 40226: they are told apart by a server that answers everything with 200', async (t) => {
  for (const [errcode, retryable] of [
    [45011, true],
    [40226, false],
  ] as const) {
    const { session, phone, wechat } = await start(t, { legacyStatus: true })
    wechat.fail({ errcode })

    for (let n = 1; n <= 2; n++) {
      const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
      t.is(error.retryable, retryable)
    }
    t.is(phone.counts.login, 1)
  }
})

// §2.9.
for (const [what, fault] of [
  ['-1, busy', { errcode: -1 }],
  ['40029, invalid code', { errcode: 40029 }],
  ['40163, used code', { errcode: 40163 }],
  ['no answer in time', 'hang'],
  ['an answer that is lost', 'lost'],
  ['a page of a gateway', { status: 502 }],
] as const) {
  test(`wx.login, ${what}, once: a new code, and the POST is carried out once`, async (t) => {
    let handled = 0
    const { session, phone, wechat, heard } = await start(t, {
      wechat: { timeout: 1000 },
      handler(ctx) {
        handled += 1
        ctx.body = { user: ctx.$wxUserInfo }
      },
    })
    wechat.fail(fault)

    const { data } = await succeeds(t, (callbacks) =>
      session.request<Answer>({ url: '/', method: 'POST', data: {}, ...callbacks }),
    )

    t.is(data.user.openId, phone.user.openId)
    t.deepEqual([phone.counts.login, wechat.exchanges, handled], [2, 2, 1])
    t.is(new Set(heard.map(codeOf)).size, 2)
  })
}

// §2.9.
test('errcode -1: this and a wrong appSecret, always: three logins, then an error at once, with the reason', async (t) => {
  for (const errcode of [-1, 40125]) {
    const { session, phone, wechat } = await start(t)
    wechat.fail({ errcode }, { times: Number.POSITIVE_INFINITY })
    await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
    const logins = phone.counts.login
    const startedAt = Date.now()

    const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

    t.true(Date.now() - startedAt < 1000)
    t.true(logins <= 3)
    t.is(phone.counts.login, logins)
    t.deepEqual([error.reason, error.statusCode], ['ERR_SESSION_KEY_EXCHANGE_FAILED', 502])
  }
})

// §2.9.
test('login: after the cool-down one call tries again, and when it succeeds all do', async (t) => {
  const { session, phone, wechat } = await start(t)
  const recover = wechat.fail({ errcode: -1 }, { times: Number.POSITIVE_INFINITY })
  await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  const logins = phone.counts.login
  recover()
  await sleep(2100)

  const calls = Array.from({ length: 5 }, () =>
    succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks })),
  )
  await Promise.all(calls)

  t.is(phone.counts.login, logins + 1)
})

// §2.9.
test('ERR_UNTRUSTED_RAW_DATA: untrusted user data is left out: one more login, by a new code alone', async (t) => {
  const { session, phone, wechat } = await start(t)
  const original = phone.wx.getUserInfo
  phone.wx.getUserInfo = (options = {}) =>
    original({ ...options, success: (result) => options.success?.({ ...result, signature: 'b'.repeat(40) }) })

  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.deepEqual([phone.counts.login, wechat.exchanges, phone.counts.request], [2, 2, 2])
})

// §2.9.
test('ERR_STORE_UNAVAILABLE: a store that is away for a moment: GET is repeated, POST is not, and the session is kept', async (t) => {
  const store = failingStore()
  const { session, phone } = await start(t, { store })
  await session.request({ url: '/' })

  store.failReads(1)
  const startedAt = Date.now()
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.true(Date.now() - startedAt >= 990)
  t.is(phone.counts.request, 1 + 2)

  store.failReads(1)
  const error = await fails(t, (callbacks) => session.request({ url: '/', method: 'POST', ...callbacks }))
  t.deepEqual([error.reason, error.statusCode], ['ERR_STORE_UNAVAILABLE', 503])
  t.true(error.retryable)
  t.is(phone.counts.request, 1 + 2 + 1)

  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.deepEqual([phone.counts.login, phone.counts.removeStorageSync], [1, 0])
})

// §2.9.
test('ERR_STORE_UNAVAILABLE: a store that stays away: four tries at most, and the session is still there afterwards', async (t) => {
  const store = failingStore()
  const { session, phone } = await start(t, { store })
  await session.request({ url: '/' })
  store.failReads(100)

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.is(error.reason, 'ERR_STORE_UNAVAILABLE')
  t.true(error.attempts <= 4 && phone.counts.request <= 1 + 4)
  store.failReads(0)
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.is(phone.counts.login, 1)
})

// §2.9.
test('ERR_SESSION_CONFLICT: a conflict: GET is repeated until it is saved, POST fails and is carried out once', async (t) => {
  for (const method of ['GET', 'POST'] as const) {
    let handled = 0
    const { session, phone } = await start(t, {
      async handler(ctx) {
        if (ctx.path === '/set') {
          handled += 1
          const data = ctx.$wxSession?.data ?? {}
          data.n = Number(data.n ?? 0) + 1
          // Equal changes would be no conflict.
          data.by = handled
          // Both have read before one writes.
          await until(() => handled >= 2)
        }
        ctx.body = ctx.$wxSession?.data
      },
    })
    await session.login()
    const set = () => session.request({ url: '/set', method })

    const ends = await Promise.allSettled([set(), set()])

    const { data } = await session.request<{ n: number }>({ url: '/' })
    const failed = ends.filter(({ status }) => status === 'rejected')
    if (method === 'GET') {
      t.deepEqual([failed.length, data.n, handled], [0, 2, 3])
    } else {
      t.deepEqual([failed.length, data.n, handled], [1, 1, 2])
      const [end] = failed as PromiseRejectedResult[]
      t.true(isSessionError(end?.reason))
      t.like(end?.reason, { reason: 'ERR_SESSION_CONFLICT', statusCode: 409, retryable: true, attempts: 1 })
    }
    t.is(phone.counts.login, 1)
    await silence()
  }
})

// §2.9.
test('ERR_SESSION_CONFLICT: a conflict at the login itself: the session is there, and no second login follows', async (t) => {
  const { session, phone, heard } = await startOdd(t, (ctx, n) => {
    if (n === 1) refuse(ctx, 'ERR_SESSION_CONFLICT', 409)
    else ctx.body = {}
  })

  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.deepEqual(heard.map(isLogin), [true, false])
  t.is(phone.counts.login, 1)
})

// §2.9.
test('ERR_BAD_REQUEST: a login with a bad shape stops at once', async (t) => {
  const { session, phone } = await start(t)
  const original = phone.wx.login
  phone.wx.login = (options = {}) =>
    original({ ...options, success: () => options.success?.({ code: 'x'.repeat(5000), errMsg: '' }) })

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.deepEqual([error.reason, error.statusCode], ['ERR_BAD_REQUEST', 400])
  t.false(error.retryable)
  t.is(phone.counts.login, 1)
})

// 1c: miniprogram-network sends it twice.
test('createSession(): a POST whose answer is lost is not sent again, at login or later', async (t) => {
  let handled = 0
  const { session, phone } = await start(t, {
    handler(ctx) {
      if (ctx.method === 'POST') handled += 1
      ctx.body = {}
    },
  })

  for (const n of [1, 2]) {
    phone.fail('request', 'lost')
    const error = await fails(t, (callbacks) => session.request({ url: '/', method: 'POST', ...callbacks }))
    t.deepEqual([error.code, error.errno, error.attempts], ['ERR_NETWORK', 600001, 1])
    t.is(handled, n)
    await session.login()
  }
  t.true(phone.counts.login <= 2)
})

// 1c: mp-req hands it over as a success.
test('success: a refusal is never a success, whatever kind of body was asked for', async (t) => {
  for (const legacyStatus of [false, true]) {
    for (const options of [
      {},
      { dataType: 'text' },
      { responseType: 'arraybuffer' },
    ] as Partial<RequestOptions>[]) {
      const { session, phone, server } = await start(t, { legacyStatus, handler: requireUser })
      await session.login()
      await server.revoke(phone.user.openId)

      const { data } = await succeeds(t, (callbacks) =>
        session.request({ url: '/', ...options, ...callbacks }),
      )

      const text = data instanceof ArrayBuffer ? Buffer.from(data).toString() : data
      t.is(text, 'welcome', JSON.stringify(options))
      t.is(phone.counts.login, 2)
    }
  }
})

// 1c.
test('legacyStatus: the server of 2016: 200, no header, only the body says that the session is over', async (t) => {
  for (const options of [
    {},
    { dataType: 'text' },
    { responseType: 'arraybuffer' },
  ] as Partial<RequestOptions>[]) {
    const sessions = new Set<string | undefined>()
    const { session, phone } = await startOdd(
      t,
      (ctx) => {
        if (isLogin(ctx.headers)) sessions.add(codeOf(ctx.headers))
        ctx.body = sessions.has(codeOf(ctx.headers))
          ? 'welcome'
          : { [MAGIC_ID]: 1, reason: 'ERR_SESSION_EXPIRED', error: { name: 'E', message: 'expired' } }
      },
      { protocol: '2016' },
    )
    await session.login()
    sessions.clear()

    const { data } = await succeeds(t, (callbacks) => session.request({ url: '/', ...options, ...callbacks }))

    t.is(data instanceof ArrayBuffer ? Buffer.from(data).toString() : data, 'welcome')
    t.is(phone.counts.login, 2)
  }
})

// 1c: alova: the first call was rejected, and those that waited did so for ever.
test('complete: whatever wx or a profile does, each call ends, and once', async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = wechat.phone()
  const { wx } = phone
  const oddities: [name: string, wx: Partial<Phone['wx']>, options: SessionOptions, code: string][] = [
    ['login throws', { login: thrower }, {}, 'ERR_LOGIN'],
    [
      'login fails with nothing',
      { login: (options) => options?.fail?.(undefined as never) },
      {},
      'ERR_LOGIN',
    ],
    [
      'login succeeds with nothing',
      { login: (options) => options?.success?.(undefined as never) },
      {},
      'ERR_LOGIN',
    ],
    ['login does both', { login: both(wx.login) }, {}, 'ok'],
    ['getUserInfo throws', { getUserInfo: thrower }, {}, 'ok'],
    [
      'getUserInfo gives nothing',
      { getUserInfo: (options) => options?.success?.(undefined as never) },
      {},
      'ok',
    ],
    ['no getUserInfo', { getUserInfo: undefined as never }, {}, 'ok'],
    ['profile throws', {}, { profile: thrower }, 'ok'],
    ['profile rejects', {}, { profile: () => Promise.reject(new Error('no')) }, 'ok'],
    ['profile hangs', {}, { profile: () => new Promise(() => {}) }, 'ok'],
    ['profile gives nothing', {}, { profile: async () => undefined }, 'ok'],
    ['request throws', { request: thrower }, {}, 'ERR_OPTIONS'],
    ['request fails with nothing', { request: failing(undefined) }, {}, 'ERR_NETWORK'],
    [
      'request fails at once',
      { request: failing({ errMsg: 'request:fail' }, (call) => call()) },
      {},
      'ERR_NETWORK',
    ],
    ['request gives no task', { request: taskless(wx) }, {}, 'ok'],
    [
      'no storage',
      { getStorageSync: thrower, setStorageSync: thrower, getAccountInfoSync: thrower },
      {},
      'ok',
    ],
  ]
  for (const [name, odd, options, code] of oddities) {
    const storageKey = name
    const session = createSession({
      baseUrl: url,
      wx: { ...wx, ...odd },
      loginTimeout: 500,
      storageKey,
      ...options,
    })
    const { heard, callbacks } = listening()

    const calls = [session.request({ url: '/', ...callbacks }), session.request({ url: '/' })]
    t.deepEqual(heard, [], name)
    const ends = await Promise.allSettled(calls)

    await silence()
    t.deepEqual(heard, [code === 'ok' ? 'success' : 'fail', 'complete'], name)
    for (const end of ends) {
      if (end.status === 'rejected') t.true(isSessionError(end.reason), `${name}: ${end.reason}`)
      t.is(end.status === 'rejected' ? end.reason.code : 'ok', code, name)
    }
  }
})

// — login, logout, onChange —

// §2.15.
test('onChange: it tells each beginning and end once, and can be left', async (t) => {
  const { session, phone, server } = await start(t)
  const heard: string[] = []
  session.onChange((isLoggedIn) => heard.push(`one ${isLoggedIn}`))
  const leave = session.onChange((isLoggedIn) => heard.push(`two ${isLoggedIn}`))

  await Promise.all([session.login(), session.request({ url: '/' }), session.request({ url: '/' })])
  t.deepEqual(heard, ['one true', 'two true'])
  leave()
  await server.revoke(phone.user.openId)
  await session.request({ url: '/' })
  t.deepEqual(heard.slice(2), ['one false', 'one true'])
  await session.logout()
  await session.logout()
  t.deepEqual(heard.slice(4), ['one false'])
})

// §2.15.
test('logout(): calls that run at logout fail at once and are not replayed; the next one logs in', async (t) => {
  let handled = 0
  let isOpen = false
  const { session, phone, heard } = await start(t, {
    handler: async (ctx) => {
      if (ctx.path === '/slow') {
        handled += 1
        await until(() => isOpen)
      }
      ctx.body = {}
    },
  })
  await session.login()

  const running = Array.from({ length: 3 }, () =>
    fails(t, (callbacks) => session.request({ url: '/slow', ...callbacks })),
  )
  await until(() => handled === 3)
  await session.logout()
  const errors = await Promise.all(running)

  for (const { code, retryable } of errors) t.deepEqual([code, retryable], ['ERR_LOGGED_OUT', false])
  isOpen = true
  await sleep(500)
  t.deepEqual([handled, phone.counts.login, heard.length], [3, 1, 4])
  t.is(phone.counts.removeStorageSync, 1)
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.is(phone.counts.login, 2)
})

// §2.15.
test('logout(): during the login it ends that too: nothing is stored, nothing is sent later', async (t) => {
  const { session, phone, heard } = await start(t)
  const changes: boolean[] = []
  session.onChange((isLoggedIn) => changes.push(isLoggedIn))
  phone.fail('login', { delay: 150 })

  const calls = [
    fails(t, (callbacks) => session.request({ url: '/', ...callbacks })),
    fails(t, (callbacks) => session.request({ url: '/', ...callbacks })),
    t.throwsAsync(session.login(), { code: 'ERR_LOGGED_OUT' }),
  ]
  await until(() => phone.counts.login === 1)
  await session.logout()
  await Promise.all(calls)
  await sleep(300)

  t.deepEqual([heard.length, phone.counts.setStorageSync, changes.length], [0, 0, 0])
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.deepEqual(heard.map(isLogin), [true])
})

// §2.15.
test('logout(): while the login is on its way, its answer makes no session', async (t) => {
  let isOpen = false
  const { session, phone, heard } = await start(t, {
    handler: async (ctx) => {
      await until(() => isOpen)
      ctx.body = {}
    },
  })
  const call = fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  await until(() => heard.length === 1)
  await session.logout()
  t.is((await call).code, 'ERR_LOGGED_OUT')
  isOpen = true
  await sleep(300)
  t.is(phone.counts.setStorageSync, 0)

  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.deepEqual(heard.map(isLogin), [true, true])
})

// §2.15.
test('logout(): uploads and downloads that wait for a login fail at logout as all do', async (t) => {
  const { session, phone, heard } = await start(t)
  phone.files.write('a.txt', 'text')
  phone.fail('login', { delay: 150 })

  const calls = [
    fails(t, (callbacks) => session.uploadFile({ url: '/', filePath: 'a.txt', name: 'f', ...callbacks })),
    fails(t, (callbacks) => session.downloadFile({ url: '/', ...callbacks })),
  ]
  await until(() => phone.counts.login === 1)
  await session.logout()

  for (const { code } of await Promise.all(calls)) t.is(code, 'ERR_LOGGED_OUT')
  await sleep(300)
  t.is(heard.length, 0)
})

// §2.15.
test('onChange: a call that is made when the session ends, in onChange, belongs to the next session', async (t) => {
  const { session, phone } = await start(t)
  await session.login()
  const calls: Promise<unknown>[] = []
  const leave = session.onChange((isLoggedIn) => {
    if (!isLoggedIn) calls.push(succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks })))
    leave()
  })

  await session.logout()

  t.is(calls.length, 1)
  await Promise.all(calls)
  t.is(phone.counts.login, 2)
})

// §2.15.
test('success: callbacks that call again, log out or abort do no harm', async (t) => {
  const { session } = await start(t)
  const told: string[] = []

  const call = session.request({
    url: '/',
    success() {
      told.push('success')
      call.abort()
      session.logout()
    },
    fail: ({ code }) => told.push(code),
    complete: () => told.push('complete'),
  })
  await call
  t.deepEqual(told, ['success', 'complete'])

  const other = session.request({
    url: '/',
    fail({ code }) {
      told.push(code)
      other.abort()
      session.logout()
    },
  })
  other.abort()
  await t.throwsAsync(other, { code: 'ERR_ABORTED' })
  await silence()
  t.deepEqual(told.slice(2), ['ERR_ABORTED'])
})

// — The task —

// §2.4.
test('onHeadersReceived(): listeners of the task hear the replay; those that were taken away do not', async (t) => {
  const { session, phone, server } = await start(t, {
    handler(ctx) {
      ctx.set('X-Answer', 'yes')
      ctx.body = 'the answer'
    },
  })
  await session.request({ url: '/' })
  await server.revoke(phone.user.openId)
  const headers: unknown[] = []
  const chunks: string[] = []
  const removed: unknown[] = []
  const remove = (value: unknown) => removed.push(value)

  await succeeds(t, (callbacks) => {
    const call = session.request({ url: '/', enableChunked: true, ...callbacks })
    call.onHeadersReceived(({ header }) => headers.push(header['X-Answer']))
    call.onChunkReceived(({ data }) => chunks.push(Buffer.from(data).toString()))
    call.onHeadersReceived(remove)
    call.onChunkReceived(remove)
    call.offHeadersReceived(remove)
    call.offChunkReceived(remove)
    return call
  })

  // And nothing of the refusal that came before the replay.
  t.deepEqual(headers, ['yes'])
  t.deepEqual(chunks, ['the answer'])
  t.deepEqual(removed, [])
})

// §2.4.
test('onHeadersReceived(): listeners that are added during the login hear the request, progress too', async (t) => {
  const { session, phone } = await start(t)
  phone.files.write('a.txt', 'text')
  phone.fail('login', { delay: 100 })
  const heard: string[] = []

  await succeeds(t, (callbacks) => {
    const call = session.uploadFile({ url: '/', filePath: 'a.txt', name: 'file', ...callbacks })
    setTimeout(() => {
      call.onProgressUpdate(({ progress }) => heard.push(`progress ${progress}`))
      call.onHeadersReceived(() => heard.push('headers'))
    }, 20)
    return call
  })

  t.deepEqual(heard, ['headers', 'progress 100'])
})

// §2.4.
test('abort(): before anything was sent, while others log in, in a back-off, twice, or after the end', async (t) => {
  const { session, phone, wechat, heard } = await start(t)
  const atOnce = await fails(t, (callbacks) => {
    const call = session.request({ url: '/', ...callbacks })
    call.abort()
    call.abort()
    return call
  })
  t.deepEqual([atOnce.code, atOnce.attempts, atOnce.errMsg], ['ERR_ABORTED', 0, 'request:fail abort'])

  wechat.fail({ delay: 200 })
  const leader = succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  const follower = fails(t, (callbacks) => {
    const call = session.request({ url: '/follower', ...callbacks })
    setTimeout(call.abort, 100)
    return call
  })
  t.is((await follower).code, 'ERR_ABORTED')
  await leader
  await session.logout()

  wechat.fail({ errcode: -1 })
  const before = heard.length
  const patient = await fails(t, (callbacks) => {
    const call = session.request({ url: '/', ...callbacks })
    until(() => heard.length === before + 1).then(() => setTimeout(call.abort, 100))
    return call
  })
  t.deepEqual([patient.code, patient.attempts], ['ERR_ABORTED', 1])
  const { login } = phone.counts
  await sleep(900)
  t.is(heard.length, before + 1)
  t.is(phone.counts.login, login)

  await succeeds(t, (callbacks) => {
    const call = session.request({ url: '/', ...callbacks })
    call.then(call.abort)
    return call
  })
})

// §2.4.
test('abort(): a call to another origin that is aborted at once is not sent either; logout leaves it alone', async (t) => {
  const { session, phone } = await start(t)
  let isOpen = false
  const elsewhere = await startOdd(t, async (ctx) => {
    await until(() => isOpen)
    ctx.body = {}
  })

  const aborted = await fails(t, (callbacks) => {
    const call = session.request({ url: elsewhere.url, ...callbacks })
    call.abort()
    return call
  })
  t.is(aborted.code, 'ERR_ABORTED')
  t.is(phone.counts.request, 0)

  const other = succeeds(t, (callbacks) => session.request({ url: elsewhere.url, ...callbacks }))
  await until(() => elsewhere.heard.length === 1)
  await session.logout()
  isOpen = true
  t.is((await other).statusCode, 200)
})

// — Uploads and downloads —

// §2.5.
test('uploadFile(): files are the first calls of a session: one login for all, which no file carries', async (t) => {
  const { session, phone, wechat, heard } = await start(t, { handler: requireUser })
  phone.files.write('a.txt', 'text')

  const calls = Array.from({ length: 3 }, (_, n) => [
    succeeds(t, (callbacks) => session.uploadFile({ url: '/', filePath: 'a.txt', name: 'f', ...callbacks })),
    succeeds(t, (callbacks) => session.downloadFile({ url: '/', filePath: `b${n}.txt`, ...callbacks })),
    succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks })),
  ])
  const results = await Promise.all(calls.flat())

  t.true(results.every(({ statusCode }) => statusCode === 200))
  t.deepEqual([phone.counts.login, wechat.exchanges], [1, 1])
  t.is(heard.filter(isLogin).length, 1)
  t.true(heard.length <= 9 + 1)
  for (const n of [0, 1, 2]) t.is(phone.files.read(`b${n}.txt`)?.toString(), 'welcome')
})

// §2.5.
test('uploadFile(): an upload alone: login, then the file, with the session in its header', async (t) => {
  const uploads: IncomingHttpHeaders[] = []
  const { session, phone, heard } = await start(t, {
    handler(ctx) {
      if (ctx.method === 'POST') uploads.push(ctx.headers)
      ctx.body = 'welcome'
    },
  })
  phone.files.write('a.txt', 'text')

  const { data } = await succeeds(t, (callbacks) =>
    session.uploadFile({ url: '/', filePath: 'a.txt', name: 'f', header: { 'X-Own': '1' }, ...callbacks }),
  )

  t.is(data, 'welcome')
  t.deepEqual([phone.counts.login, phone.counts.uploadFile, heard.length], [1, 1, 2])
  t.is(codeOf(uploads[0] ?? {}), codeOf(heard[0] ?? {}))
  t.is(uploads[0]?.['x-own'], '1')
})

// §2.5.
test('uploadFile(): an upload meets an expired session, said in a string: it is sent again, handled once', async (t) => {
  for (const legacyStatus of [false, true]) {
    let handled = 0
    const { session, phone, server } = await start(t, {
      legacyStatus,
      handler(ctx) {
        if (ctx.method === 'POST') handled += 1
        ctx.body = 'welcome'
      },
    })
    phone.files.write('a.txt', 'text')
    await session.login()
    await server.revoke(phone.user.openId)

    const { data } = await succeeds(t, (callbacks) =>
      session.uploadFile({ url: '/', filePath: 'a.txt', name: 'f', ...callbacks }),
    )

    t.is(data, 'welcome')
    t.deepEqual([handled, phone.counts.login, phone.counts.uploadFile], [1, 2, 2])
  }
})

// §2.5: Every client: the refusal is saved as the user's file.
for (const legacyStatus of [false, true]) {
  const how = legacyStatus ? ' said with status 200' : ''
  test(`downloadFile(): a download meets an expired session${how}: the file is the file, never the refusal`, async (t) => {
    for (const options of [{}, { filePath: 'mine.txt' }]) {
      const { session, phone, server } = await start(t, { legacyStatus, handler: requireUser })
      await session.login()
      await server.revoke(phone.user.openId)

      const result = await succeeds(t, (callbacks) =>
        session.downloadFile({ url: '/', ...options, ...callbacks }),
      )

      t.is(result.statusCode, 200)
      t.is(phone.files.read(result.filePath ?? result.tempFilePath ?? '')?.toString(), 'welcome')
      t.is(phone.counts.login, 2)
    }
  })
}

// §2.5.
test('downloadFile(): downloads that the app itself answers 401 are the app’s, and cost nobody the session', async (t) => {
  const { session, phone } = await start(t, {
    handler(ctx) {
      if (ctx.path === '/private') ctx.status = 401
      ctx.body = 'private'
    },
  })
  await session.login()

  for (let n = 1; n <= 3; n++) {
    const { statusCode } = await succeeds(t, (callbacks) =>
      session.downloadFile({ url: '/private', ...callbacks }),
    )
    t.is(statusCode, 401)
  }
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.true(phone.counts.login <= 2, `${phone.counts.login} logins`)
})

// §2.5.
test('downloadFile(): a download that the store refuses for a moment is repeated, and keeps the session', async (t) => {
  const store = failingStore()
  const { session, phone } = await start(t, { store, handler: requireUser })
  await session.login()
  store.failReads(1)

  const end = await Promise.resolve(session.downloadFile({ url: '/', filePath: 'mine.txt' })).then(
    ({ statusCode }) => statusCode,
    ({ reason }: SessionError) => reason,
  )

  if (end === 200) t.is(phone.files.read('mine.txt')?.toString(), 'welcome')
  t.true(end === 200 || end === 'ERR_STORE_UNAVAILABLE' || end === 503, `${end}`)
  t.is(phone.counts.login, 1)
})

// — Sockets —

// §2.6.
test('connectSocket(): a socket as the first call: login, then a handshake with the session', async (t) => {
  const { session, phone, handshakes, url } = await startSockets(t)

  const text = await messageOf(await session.connectSocket({ url: `${url.replace('http', 'ws')}/live` }))

  t.is(text, 'welcome')
  t.deepEqual([phone.counts.login, phone.counts.request, handshakes.length], [1, 1, 1])
  t.truthy(codeOf(handshakes[0] ?? {}))
})

// §2.6.
test('connectSocket(): a relative url of a socket is resolved against baseUrl, to ws', async (t) => {
  const { session, handshakes } = await startSockets(t)

  const text = await messageOf(await session.connectSocket({ url: '/live' }))

  t.is(text, 'welcome')
  t.truthy(codeOf(handshakes[0] ?? {}))
})

// §2.6.
test('connectSocket(): a handshake that is refused with 401: the next connection logs in first', async (t) => {
  const { session, phone, url, sessions } = await startSockets(t)
  const live = `${url.replace('http', 'ws')}/live`
  await session.login()
  sessions.clear()

  await t.throwsAsync(messageOf(await session.connectSocket({ url: live })), { message: /401/ })
  const text = await messageOf(await session.connectSocket({ url: live }))

  t.is(text, 'welcome')
  t.is(phone.counts.login, 2)
})

// §2.6.
test('connectSocket(): a socket that wx does not create is told to fail, with what wx said', async (t) => {
  const { session, phone, url } = await startSockets(t)
  await session.login()
  phone.fail('connectSocket', { errMsg: 'connectSocket:fail url not in domain list', errno: 600002 })

  const error = await fails(t, (callbacks) =>
    session.connectSocket({ url: `${url.replace('http', 'ws')}/live`, ...callbacks }),
  )

  t.deepEqual([error.code, error.errno], ['ERR_NETWORK', 600002])
  t.is(error.errMsg, 'connectSocket:fail url not in domain list')
})

// §2.6.
test('connectSocket(): a socket to another origin gets no session', async (t) => {
  const { session, phone } = await startSockets(t)
  const other = await startSockets(t)

  const task = await session.connectSocket({ url: `${other.url.replace('http', 'ws')}/live` })
  await t.throwsAsync(messageOf(task), { message: /401/ })

  t.deepEqual(other.handshakes.map(codeOf), [undefined])
  t.is(phone.counts.login, 0)
})

// — The phone —

// §2.9.
test('fail: background, a switch of networks, no network: told once, and the session is kept', async (t) => {
  const { session, phone, heard } = await start(t, {
    handler: async (ctx) => {
      if (ctx.path === '/slow') await sleep(300)
      ctx.body = {}
    },
  })
  await session.login()
  const errors: SessionError[] = []

  phone.enterBackground()
  errors.push(await fails(t, (callbacks) => session.request({ url: '/', ...callbacks })))
  phone.enterForeground()
  const slow = fails(t, (callbacks) => session.request({ url: '/slow', ...callbacks }))
  await until(() => heard.length === 2)
  phone.switchNetwork()
  errors.push(await slow)
  phone.offline = true
  errors.push(await fails(t, (callbacks) => session.request({ url: '/', ...callbacks })))
  phone.offline = false

  t.deepEqual(
    errors.map(({ code, errno }) => [code, errno]),
    [
      ['ERR_NETWORK', 600003],
      ['ERR_NETWORK', 600001],
      ['ERR_NETWORK', 600001],
    ],
  )
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.deepEqual([phone.counts.login, phone.counts.removeStorageSync], [1, 0])
})

// — The drop-in —

// §3.
test.serial(
  'request(): the global wx, absolute urls, the session with every request, headers as of old',
  async (t) => {
    const server = await start(t, { handler: requireUser })
    const elsewhere = await startOdd(t, (ctx) => {
      ctx.body = 'elsewhere'
    })
    const { wx } = server.phone
    Object.assign(globalThis, { wx })
    try {
      const { data } = await succeeds(t, (callbacks) =>
        request({ url: `${server.url}/`, headers: { 'X-Old': '1' }, header: { 'X-New': '2' }, ...callbacks }),
      )
      await succeeds(t, (callbacks) => request({ url: `${elsewhere.url}/`, ...callbacks }))
      const relative = await fails(t, (callbacks) => request({ url: '/me', ...callbacks }))

      t.is(data, 'welcome')
      t.is(relative.code, 'ERR_OPTIONS')
      t.is(server.heard[0]?.['x-old'], '1')
      t.is(server.heard[0]?.['x-new'], '2')
      t.deepEqual(elsewhere.heard.map(codeOf), server.heard.map(codeOf))
      t.is(server.phone.counts.login, 1)
    } finally {
      Reflect.deleteProperty(globalThis, 'wx')
    }
  },
)

function refuse(ctx: Context, reason: Reason, status = 401): void {
  ctx.status = status
  ctx.set('X-WX-Session-Error', reason)
  ctx.body = { [MAGIC_ID]: 1, reason, error: { name: 'WeappSessionError', message: 'refused' } }
}

/** Welcomes who is logged in. */
async function requireUser(ctx: Context): Promise<void> {
  await requireWxUser()(ctx, async () => {
    ctx.body = 'welcome'
  })
}

/** Sockets behind a login over HTTP: a handshake needs the code of one, or is answered with 401. */
async function startSockets(
  t: ExecutionContext,
): Promise<
  Omit<Started, 'heard'> & { handshakes: IncomingHttpHeaders[]; sessions: Set<string | undefined> }
> {
  const sessions = new Set<string | undefined>()
  const handshakes: IncomingHttpHeaders[] = []
  const http = createServer((request, response) => {
    if (isLogin(request.headers)) {
      sessions.add(codeOf(request.headers))
      response.setHeader('Weapp-Login', 'accepted')
    } else if (!sessions.has(codeOf(request.headers))) {
      response.statusCode = 401
      response.setHeader('Weapp-Session-Error', 'ERR_SESSION_EXPIRED')
    }
    response.end()
  })
  const sockets = new WebSocketServer({
    server: http,
    verifyClient({ req }: { req: { headers: IncomingHttpHeaders } }) {
      handshakes.push(req.headers)
      return sessions.has(codeOf(req.headers))
    },
  })
  sockets.on('connection', (socket) => socket.send('welcome'))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
  })
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const phone = startWechat(t).phone()
  return {
    session: createSession({ baseUrl: url, wx: phone.wx, profile: 'userInfo' }),
    phone,
    url,
    handshakes,
    sessions,
  }
}

/** The first message of a socket; rejects when it closes before. */
function messageOf(task: WxSocketTask): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let why = 'closed'
    task.onMessage(({ data }) => {
      resolve(data)
      task.close({})
    })
    task.onError(({ errMsg = '' }) => {
      why = errMsg
    })
    task.onClose(() => reject(new Error(why)))
    setTimeout(() => reject(new Error('nothing happened')), 5000).unref()
  })
}

function thrower(): never {
  throw new Error('thrown by wx')
}

/** Calls fail after success, with the same call. */
function both(login: Phone['wx']['login']): Phone['wx']['login'] {
  return (options = {}) =>
    login({
      ...options,
      success(result) {
        options.success?.(result)
        options.success?.(result)
        options.fail?.({ errMsg: 'login:fail' })
      },
    })
}

function failing(
  error: unknown,
  later: (call: () => void) => unknown = setImmediate,
): Phone['wx']['request'] {
  return (options) => {
    later(() => options.fail?.(error as never))
    return undefined as never
  }
}

function taskless(wx: Phone['wx']): Phone['wx']['request'] {
  return (options) => {
    wx.request(options)
    return undefined as never
  }
}
