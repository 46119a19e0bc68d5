/**
 * How the clients before this one broke, one test for each: `C…`, `W…` and `X…` number the rows of that list. What
 * was seen there stands above each test: C in weapp-session-client of 2016, W in wafer-client-sdk 0.8.4, X in
 * wafer2-client-sdk 2.1.0.
 */
import { execFile as execFileWithCallback } from 'node:child_process'
import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import { createSession, isSessionError, type SessionError } from '../../client/src/index.js'
import type { Phone } from '../../simulator/src/index.js'
import { memoryStore, type Reason, type SessionStore, type WxUserInfo } from '../../src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { listen, startServer } from '../support/server.js'
import { until } from '../support/until.js'
import { startWechat } from '../support/wechat.js'
import { fails, type Started, silence, start, succeeds } from './support/client-calls.js'

const execFile = promisify(execFileWithCallback)

interface Answer {
  user: WxUserInfo
}

/** Everything that nobody caught while this file ran, and what the client has shown on the console. */
const uncaught: unknown[] = []
const shown: unknown[] = []

test.before(() => {
  process.on('unhandledRejection', (error) => uncaught.push(error))
  process.on('uncaughtException', (error) => uncaught.push(error))
  console.error = (error) => shown.push(error)
})

test.after('whatever happened, nothing was left uncaught', (t) => {
  t.deepEqual(uncaught, [])
})

// C1: N = 2: 2 logins; N = 5: 1 failed; N = 10: 6 failed, 34 requests; N = 20: 16 failed, 74 requests.
test('createSession(): calls that start together: one login, sent by one of them, one exchange, and no failure', async (t) => {
  for (const n of [2, 5, 10, 20]) {
    const { session, phone, wechat, heard } = await start(t)

    const calls = Array.from({ length: n }, () =>
      succeeds(t, (callbacks) => session.request<Answer>({ url: '/', ...callbacks })),
    )

    for (const { data } of await Promise.all(calls)) t.is(data.user.openId, phone.user.openId)
    t.deepEqual([phone.counts.login, wechat.exchanges, heard.length], [1, 1, n])
    t.deepEqual(heard.map(isLogin), [true, ...Array(n - 1).fill(false)])
  }
})

// C2: Each late answer threw away the session that the one before had made: 10 requests, 10 logins.
test('ERR_SESSION_EXPIRED: expiry answers that come late, 40 ms apart, end the session they name and no other', async (t) => {
  const store = slowStore()
  const { session, phone, wechat, heard, server } = await start(t, { store })
  await session.request({ url: '/' })
  await server.revoke(phone.user.openId)
  store.delayReads(40)

  const calls = Array.from({ length: 10 }, () =>
    succeeds(t, (callbacks) => session.request<Answer>({ url: '/', ...callbacks })),
  )

  for (const { data } of await Promise.all(calls)) t.is(data.user.openId, phone.user.openId)
  t.deepEqual([phone.counts.login, wechat.exchanges], [2, 2])
  t.true(heard.length <= 1 + 20, `${heard.length} requests`)
})

// C3: The second request overtook the first: 2 logins, 3 requests, and a code that the server had deleted.
test('X-WX-Code: a code is no session before the server has accepted it: others wait, and none overtakes', async (t) => {
  let isOpen = false
  const { session, phone, heard } = await start(t, {
    handler: async (ctx) => {
      if (ctx.path === '/slow') await until(() => isOpen)
      ctx.body = {}
    },
  })

  const slow = succeeds(t, (callbacks) => session.request({ url: '/slow', ...callbacks }))
  await until(() => heard.length === 1)
  const quick = succeeds(t, (callbacks) => session.request({ url: '/quick', ...callbacks }))
  await sleep(150)
  t.is(heard.length, 1)
  isOpen = true
  await Promise.all([slow, quick])
  await session.request({ url: '/quick' })

  t.is(phone.counts.login, 1)
  t.deepEqual(heard.map(isLogin), [true, false, false])
  t.is(new Set(heard.map(codeOf)).size, 1)
})

// C3: Not seen there, but of the same kind: whatever answered a login was taken for the server.
test('login: error pages of a gateway accept no login, and do not use up the logins of a good server', async (t) => {
  const { session, heard } = await startOdd(t, { handler: flappingServer() })

  const statuses: number[] = []
  for (let n = 1; n <= 4; n++) {
    const { statusCode } = await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
    statuses.push(statusCode)
  }

  t.true(statuses.includes(200), statuses.join())
  t.true(heard.length <= 8, `${heard.length} requests`)
})

// C4: One failed wx.login: every later call was rejected until the next launch, and nothing was sent.
test('wx.login and getUserInfo: a failure fails nothing that comes later', async (t) => {
  const { session, phone } = await start(t)
  phone.fail('login', { errMsg: 'login:fail system error', errno: 1 })
  phone.fail('getUserInfo', { errMsg: 'getUserInfo:fail auth deny' })

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.is(error.code, 'ERR_LOGIN')
  for (let n = 1; n <= 3; n++) {
    await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  }

  t.deepEqual([phone.counts.login, phone.counts.request], [2, 3])
})

// C5: Neither fail nor complete was called, and a rejection went unhandled.
test('wx.login: a failed login is told to fail, then complete, and to the promise', async (t) => {
  const { session, phone } = await start(t)
  phone.fail('login', { errMsg: 'login:fail system error', errno: 1 })

  const { code, phase, errMsg, errno, attempts } = await fails(t, (callbacks) =>
    session.request({ url: '/', ...callbacks }),
  )

  t.deepEqual(
    { code, phase, errMsg, errno, attempts },
    { code: 'ERR_LOGIN', phase: 'login', errMsg: 'login:fail system error', errno: 1, attempts: 0 },
  )
  t.is(phone.counts.request, 0)
})

// C6: The failure callback threw again, inside that of wx: an uncaught exception for each failed request.
test('fail: a network failure is told once, and nothing is thrown into wx', async (t) => {
  const { session, phone } = await start(t)
  await session.request({ url: '/' })
  phone.fail('request', { errMsg: 'request:fail net::ERR_NETWORK_CHANGED', errno: 600001 })

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.is(error.code, 'ERR_NETWORK')
  t.is(error.errMsg, 'request:fail net::ERR_NETWORK_CHANGED')
  t.is(error.errno, 600001)
})

// C7: The promise was fulfilled with the task when the request started, and stayed so when it failed.
test('request(): the promise ends with the call: with its answer, or with its failure', async (t) => {
  let isOpen = false
  const { session, phone } = await start(t, {
    handler: async (ctx) => {
      await until(() => isOpen)
      ctx.body = { text: 'late' }
    },
  })
  let hasEnded = false

  const call = session.request({ url: '/' })
  const settled = call.finally(() => {
    hasEnded = true
  })
  await sleep(100)
  t.false(hasEnded)
  isOpen = true
  const { data, statusCode } = await settled

  t.deepEqual([data, statusCode], [{ text: 'late' }, 200])
  phone.fail('request', { errMsg: 'request:fail', errno: 600001 })
  await t.throwsAsync(session.request({ url: '/' }), { code: 'ERR_NETWORK' })
})

// C8: The outer promise was fulfilled; the error that gave up rejected another one, which nobody held.
test('ERR_SESSION_EXPIRED: a server that refuses for ever: few logins, and an error with its reason, told once', async (t) => {
  const reasons: Reason[] = ['ERR_SESSION_EXPIRED', 'ERR_LOGIN_REQUIRED', 'ERR_SESSION_KEY_EXCHANGE_FAILED']
  await Promise.all(
    reasons.map(async (reason) => {
      const { session, phone } = await startOdd(t, { handler: (ctx) => refuse(ctx, reason) })

      const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
      const next = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

      for (const { code, reason: said } of [error, next]) t.deepEqual([code, said], ['ERR_REFUSED', reason])
      t.true(phone.counts.login <= (reason === 'ERR_SESSION_EXPIRED' ? 2 : 3), `${phone.counts.login} logins`)
      t.is(next.attempts, 0)
    }),
  )
})

// C9: The documented option `header` was dropped: only the headers of the session were sent.
test('header: headers of the caller are sent, at login and later, and those of the session with them', async (t) => {
  const { session, heard } = await start(t)
  const header = { 'Content-Type': 'text/plain', Authorization: 'Basic eA==', 'X-Own': '1' }

  for (let n = 1; n <= 2; n++) await session.request({ url: '/', method: 'POST', data: 'x', header })

  t.is(heard.length, 2)
  for (const headers of heard) {
    t.is(headers['content-type'], 'text/plain')
    t.is(headers.authorization, 'Basic eA==')
    t.is(headers['x-own'], '1')
    t.truthy(codeOf(headers))
  }
  t.deepEqual(Object.keys(header), ['Content-Type', 'Authorization', 'X-Own'])
})

// C10: '', 'hello', null and 7 each: no callback at all, and an uncaught TypeError.
test('success: an answer of any shape reaches success once: empty, text, null, number, list, HTML, bytes', async (t) => {
  const bodies: [name: string, sent: string, status: number, expected: unknown][] = [
    ['empty', '', 200, ''],
    ['nothing', '', 204, ''],
    ['text', 'hello', 200, 'hello'],
    ['JSON text', '"hello"', 200, 'hello'],
    ['null', 'null', 200, null],
    ['number', '7', 200, 7],
    ['false', 'false', 200, false],
    ['list', '[]', 200, []],
    ['page', '<h1>Bad Gateway</h1>', 502, '<h1>Bad Gateway</h1>'],
    ['broken JSON', '{"a":', 200, '{"a":'],
    ['a text with the id in it', `see ${MAGIC_ID}`, 200, `see ${MAGIC_ID}`],
  ]
  for (const [name, sent, status, expected] of bodies) {
    const { session } = await startOdd(t, {
      handler(ctx) {
        ctx.status = status
        ctx.type = 'application/octet-stream'
        if (status !== 204) ctx.body = Buffer.from(sent)
      },
    })

    for (let n = 1; n <= 2; n++) {
      const { data, statusCode } = await succeeds(t, (callbacks) =>
        session.request({ url: '/', ...callbacks }),
      )
      t.deepEqual([data, statusCode], [expected, status], name)
    }
    const { data } = await succeeds(t, (callbacks) =>
      session.request({ url: '/', responseType: 'arraybuffer', ...callbacks }),
    )
    t.is(Buffer.from(data as ArrayBuffer).toString(), sent, name)
  }
})

// C11: A plain object without the reason; without an error in the body, fail was called with undefined.
test('SessionError: every failure is a SessionError with the reason, also when the refusal says nothing else', async (t) => {
  const bodies: [body: object, reason: string | undefined][] = [
    [
      { [MAGIC_ID]: 1, reason: 'ERR_UNTRUSTED_RAW_DATA', error: { name: 'E', message: 'm' } },
      'ERR_UNTRUSTED_RAW_DATA',
    ],
    [{ [MAGIC_ID]: 1, reason: 'ERR_UNTRUSTED_RAW_DATA' }, 'ERR_UNTRUSTED_RAW_DATA'],
    [{ [MAGIC_ID]: 1, reason: 'ERR_UNTRUSTED_RAW_DATA', error: null }, 'ERR_UNTRUSTED_RAW_DATA'],
    [{ [MAGIC_ID]: 1, reason: 'ERR_UNTRUSTED_RAW_DATA', error: 'no' }, 'ERR_UNTRUSTED_RAW_DATA'],
  ]
  for (const [body, reason] of bodies) {
    const { session } = await startOdd(t, {
      handler(ctx) {
        ctx.body = body
      },
    })

    const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

    t.true(error instanceof Error)
    t.is(error.code, 'ERR_REFUSED')
    t.is(error.reason, reason as Reason)
    t.not(error.message, '')
    t.false(error.retryable)
  }
})

// C11: Of the same row: an envelope that names no reason is a refusal all the same.
test('SessionError: a refusal without a reason is no success', async (t) => {
  const { session } = await startOdd(t, {
    handler(ctx) {
      ctx.body = { [MAGIC_ID]: 1 }
    },
  })

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.is(error.code, 'ERR_REFUSED')
})

// C12: The code was kept: the next request sent it alone, was told EXPIRED and logged in again. Two requests per call.
test('ERR_UNTRUSTED_RAW_DATA: after untrusted data nothing of it is kept: the next login is a whole one, without it', async (t) => {
  const forged = { rawData: '{"nickName":"mallory"}', signature: 'a'.repeat(40) }
  const { session, phone, heard } = await start(t, {}, { profile: async () => forged })

  await session.request({ url: '/' })

  t.deepEqual(heard.map(isLogin), [true, true])
  t.is(new Set(heard.map(codeOf)).size, 2)
  t.false('weapp-rawdata' in (heard[1] ?? {}))
  t.deepEqual([phone.counts.login, phone.counts.setStorageSync], [2, 1])
})

// C13: Four logins 11 ms apart, for each request anew; the last reason was lost.
test('login: logins that fail are spaced, shared by all calls, and then not tried for a while', async (t) => {
  const { session, phone, wechat } = await start(t)
  wechat.fail({ errcode: -1 }, { times: Number.POSITIVE_INFINITY })
  const logins: number[] = []
  const { login } = phone.wx
  phone.wx.login = (options) => {
    logins.push(Date.now())
    login(options)
  }

  const errors = await Promise.all(
    Array.from({ length: 10 }, () => fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))),
  )
  const before = phone.counts.login
  const startedAt = Date.now()
  errors.push(await fails(t, (callbacks) => session.request({ url: '/', ...callbacks })))

  t.true(Date.now() - startedAt < 1000)
  t.is(phone.counts.login, before)
  t.true(before <= 3, `${before} logins`)
  for (const { reason, statusCode, retryable } of errors) {
    t.deepEqual([reason, statusCode, retryable], ['ERR_SESSION_KEY_EXCHANGE_FAILED', 502, true])
  }
  t.true(logins.length > 1)
  for (let n = 1; n < logins.length; n++) t.true(Number(logins[n]) - Number(logins[n - 1]) > 250)
})

// C14: The header said "undefined".
test('wx.login: one that succeeds without a code fails the login, and sends nothing', async (t) => {
  const { session, phone, heard } = await start(t)
  phone.fail('login', 'withoutCode')

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.is(error.code, 'ERR_LOGIN')
  t.is(heard.length, 0)
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.is(heard.length, 1)
})

// C15: Every request waited for ever.
test('wx.login: one that never calls back ends by a timer of our own, and the next call logs in', async (t) => {
  const { session, phone, heard } = await start(t, {}, { loginTimeout: 500 })
  phone.fail('login', 'hang')
  const startedAt = Date.now()

  const first = fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  const second = succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  const error = await first
  const took = Date.now() - startedAt
  t.deepEqual([error.code, error.phase, error.retryable], ['ERR_LOGIN', 'login', true])
  t.true(took >= 490 && took < 10_000, `${took} ms`)
  await second
  t.deepEqual([phone.counts.login, heard.length], [2, 1])
})

// C16: Code, rawData and signature went to any host.
test('origins: other origins get nothing of the session, and what they answer does not touch it', async (t) => {
  const { session, phone, heard } = await start(t)
  await session.request({ url: '/' })
  const seen: IncomingHttpHeaders[] = []
  const elsewhere = await oddServer(t, (ctx) => {
    seen.push(ctx.headers)
    refuse(ctx, 'ERR_SESSION_EXPIRED')
  })

  const { statusCode } = await succeeds(t, (callbacks) =>
    session.request({ url: `${elsewhere.url}/`, header: { 'X-Own': '1' }, ...callbacks }),
  )
  await session.request({ url: '/' })

  t.is(statusCode, 401)
  t.deepEqual(
    seen.map((headers) => Object.keys(headers).filter((name) => /^(x|weapp)-/.test(name))),
    [['x-own']],
  )
  t.deepEqual([phone.counts.login, heard.length], [1, 2])
})

// C16: Of the same row: addresses that only look like ours.
test('origins: an address that only looks like an allowed one gets nothing', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await oddServer(t, (ctx) => {
    accept(ctx)
  })
  const sent: [url: string, names: string[]][] = []
  const wx = {
    ...phone.wx,
    request(options: Parameters<Phone['wx']['request']>[0]) {
      sent.push([options.url, Object.keys(options.header ?? {})])
      return phone.wx.request({ ...options, url: `${url}/` })
    },
  }
  const session = createSession({ baseUrl: 'https://api.example.com', wx })
  const foreign = [
    'https://api.example.com.evil.example/',
    'https://api.example.com@evil.example/',
    'https://api.example.com:8443/',
    'http://api.example.com/',
    'https://evil.example/https://api.example.com/',
    'https://evil.example#@api.example.com/',
    'https://evil.example?@api.example.com/',
    'https://evil.example\\@api.example.com/',
  ]
  const ours = ['https://api.example.com', 'HTTPS://API.example.com/a', 'https://api.example.com:443/?b#c']

  for (const address of [...foreign, ...ours]) await session.request({ url: address })

  const withSession = sent.filter(([, names]) => names.includes('Weapp-Code')).map(([address]) => address)
  t.deepEqual(withSession, ours)
})

// C17: encodeURIComponent threw after the code had been stored: a URIError, then requests that sent the code alone.
test('getUserInfo: user info with half an emoji does not fail the login', async (t) => {
  const { session, phone, heard } = await start(t)
  phone.profile = { nickName: '半\ud83d' }

  const { data } = await succeeds(t, (callbacks) => session.request<Answer>({ url: '/', ...callbacks }))

  t.is(data.user.openId, phone.user.openId)
  t.deepEqual(heard.map(isLogin), [true])
})

// C18: complete was not called, and the exception was nobody's.
test('success: callbacks that throw keep nobody from being called: complete, the promise, other calls', async (t) => {
  const { session, phone } = await start(t)
  const told: string[] = []
  const throwing = (what: string) => () => {
    told.push(what)
    throw new Error(`C18 ${what}`)
  }
  const callbacks = { success: throwing('success'), fail: throwing('fail'), complete: throwing('complete') }
  session.onChange(throwing('change'))
  session.onChange(() => told.push('other change'))

  const call = session.request({ url: '/', ...callbacks })
  const other = succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.is((await call).statusCode, 200)
  await other
  t.deepEqual(told.slice(0, 4), ['change', 'other change', 'success', 'complete'])

  phone.fail('request', { errMsg: 'request:fail', errno: 600001 })
  await t.throwsAsync(session.request({ url: '/', ...callbacks }), { code: 'ERR_NETWORK' })
  t.deepEqual(told.slice(4), ['fail', 'complete'])
  await silence()
  const messages = shown.map((error) => (error instanceof Error ? error.message : ''))
  for (const what of ['success', 'fail', 'complete', 'change']) t.true(messages.includes(`C18 ${what}`))
})

// C19: wx.login was kept from the import on: a replaced one was not used, and importing without wx threw.
test('wx: it is looked up when it is used: this file imported the client without one', async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = wechat.phone()
  const wx = { ...phone.wx }
  const session = createSession({ baseUrl: url, wx })
  let logins = 0
  wx.login = (options) => {
    logins += 1
    phone.wx.login(options)
  }

  await session.request({ url: '/' })

  t.is(logins, 1)
  t.false('wx' in globalThis)
  const error = await fails(t, (callbacks) =>
    createSession({ baseUrl: url }).request({ url: '/', ...callbacks }),
  )
  t.is(error.code, 'ERR_OPTIONS')
})

// C20: Nothing was kept: every launch logged in.
test('wx.setStorage: the next launch finds the session: written once, no login', async (t) => {
  const { session, phone, url, heard } = await start(t)
  for (let n = 1; n <= 3; n++) await session.request({ url: '/' })
  phone.coldStart()
  const next = createSession({ baseUrl: url, wx: phone.wx })
  for (let n = 1; n <= 3; n++) {
    await succeeds(t, (callbacks) => next.request({ url: '/', ...callbacks }))
  }

  t.is(phone.counts.login, 1)
  t.is(phone.counts.setStorageSync, 1)
  // Once at each launch, and once before the login: another copy of the client may have logged in.
  t.is(phone.counts.getStorageSync, 3)
  t.deepEqual(heard.map(isLogin), [true, false, false, false, false, false])
})

// C20: Of the same row: what stands in the storage is not always what was written there.
test('wx.setStorage: storage that fails or holds nonsense costs a login, and nothing else', async (t) => {
  const { session, phone, url } = await start(t)
  await session.request({ url: '/' })
  const values = [
    null,
    7,
    'text',
    [],
    {},
    { v: 1, code: 'c' },
    { v: 2 },
    { v: 2, header: 7 },
    { v: 2, shelf: 7 },
    { v: 2, shelf: { cookies: 7 } },
  ]
  let logins = 1

  for (const value of values) {
    phone.coldStart()
    const storageKey = `key ${logins}`
    phone.wx.setStorageSync(storageKey, value)
    const next = createSession({ baseUrl: url, wx: phone.wx, storageKey })
    await succeeds(t, (callbacks) => next.request({ url: '/', ...callbacks }))
    logins += 1
    t.is(phone.counts.login, logins, JSON.stringify(value))
  }
  for (const api of ['getStorageSync', 'setStorageSync', 'removeStorageSync'] as const) {
    phone.fail(api, { errMsg: `${api}:fail` }, 100)
  }
  phone.coldStart()
  const next = createSession({ baseUrl: url, wx: phone.wx })
  await succeeds(t, (callbacks) => next.request({ url: '/', ...callbacks }))
  await succeeds(t, (callbacks) => next.request({ url: '/', ...callbacks }))
  await next.logout()
  t.is(phone.counts.login, logins + 1)
})

// C21: A user who said no once could not use the mini program any more, also after saying yes.
test('getUserInfo: where it is denied the session is anonymous, and the next login asks again', async (t) => {
  const { session, phone } = await start(t)
  phone.userInfo = 'denied'

  const denied = await succeeds(t, (callbacks) => session.request<Answer>({ url: '/', ...callbacks }))
  phone.userInfo = 'named'
  await session.logout()
  const granted = await succeeds(t, (callbacks) => session.request<Answer>({ url: '/', ...callbacks }))

  t.is(denied.data.user.openId, phone.user.openId)
  t.is(denied.data.user.nickName, undefined)
  t.is(granted.data.user.nickName, 'alice')
  t.is(phone.counts.getUserInfo, 2)
})

// C22: No task during the login, and only that of the first attempt later: what was aborted was sent.
test('abort(): it works in every phase: during the login nothing is sent, during the replay that is cut', async (t) => {
  let cut = 0
  let handled = 0
  const { session, phone, server } = await start(t, {
    handler: async (ctx) => {
      if (ctx.path !== '/hang') return
      handled += 1
      ctx.req.socket.once('close', () => {
        cut += 1
      })
      await new Promise(() => {})
    },
  })
  phone.fail('login', { delay: 100 })
  const early = fails(t, (callbacks) => {
    const call = session.request({ url: '/hang', ...callbacks })
    setTimeout(call.abort, 50)
    return call
  })
  t.is((await early).code, 'ERR_ABORTED')
  await sleep(200)
  t.is(phone.counts.request, 0)

  await session.request({ url: '/' })
  await server.revoke(phone.user.openId)
  const late = await fails(t, (callbacks) => {
    const call = session.request({ url: '/hang', ...callbacks })
    until(() => handled === 1).then(call.abort)
    return call
  })

  t.deepEqual([late.code, late.attempts, late.retryable], ['ERR_ABORTED', 2, false])
  await until(() => cut === 1)
})

// C23: A fix that was proposed swallowed the error: from then on requests went out without a session.
test('login: a failed login never lets a request out without a session', async (t) => {
  const { session, phone, heard } = await start(t, {}, { loginTimeout: 500 })
  phone.fail('login', { errMsg: 'login:fail' })
  phone.fail('login', 'hang')
  phone.fail('login', 'withoutCode')

  const calls = Array.from({ length: 6 }, () =>
    Promise.resolve(session.request({ url: '/' })).catch(() => {}),
  )
  await Promise.all(calls)

  t.true(
    heard.every((headers) => /^[\w-]{8,}$/.test(codeOf(headers) ?? '') && codeOf(headers) !== 'undefined'),
  )
  t.true(phone.counts.login <= 4)
  await silence()
})

// W1: login() was refused as long as no login URL had been set.
test('login(): it needs no address of its own', async (t) => {
  const { session, phone, heard } = await start(t)

  await session.login()

  t.deepEqual(heard.map(isLogin), [true])
  await session.request({ url: '/' })
  t.deepEqual([phone.counts.login, heard.length], [1, 2])
})

// W2: 8 at once: 15 wx.login, 15 getUserInfo, 30 requests; where a user may have one session, 2 succeeded.
test('login(): logins and requests that start together are one login, also where a user has one session', async (t) => {
  const { session, phone, wechat, heard } = await start(t, { maxSessionsPerUser: 1 })

  const logins = Array.from({ length: 8 }, () => session.login())
  const requests = Array.from({ length: 8 }, () =>
    succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks })),
  )
  await Promise.all([...logins, ...requests])

  t.deepEqual([phone.counts.login, phone.counts.getUserInfo, wechat.exchanges], [1, 1, 1])
  t.is(heard.length, 1 + 8)
})

// W3: 6 staggered expiries: 6 logins; where a user may have one session, 3 of the 6 requests failed.
test('X-WX-Session: answers that name an old session leave the fresh one alone, also where a user has one', async (t) => {
  const store = slowStore()
  const { session, phone, server } = await start(t, { store, maxSessionsPerUser: 1 })
  await session.request({ url: '/' })
  await server.revoke(phone.user.openId)
  store.delayReads(60)

  await Promise.all(
    Array.from({ length: 6 }, () => succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))),
  )

  t.is(phone.counts.login, 2)
  t.is(phone.counts.removeStorageSync, 1)
})

// W4: Errors shared one stack, made at import, and were called "Error".
test('SessionError: each error has a stack of its own, and its name', async (t) => {
  const { session, phone } = await start(t)
  phone.offline = true

  const errors = [
    await fails(t, (callbacks) => session.request({ url: '/a', ...callbacks })),
    await fails(t, (callbacks) => session.request({ url: '/b', ...callbacks })),
  ]

  t.not(errors[0], errors[1])
  for (const error of errors) {
    t.is(error.name, 'SessionError')
    t.true(Object.hasOwn(error, 'stack'))
    t.true(error.stack?.includes(error.message))
    t.regex(`${error}`, /^SessionError: \S/)
  }
})

// W5: A login that failed in the network said nothing of it.
test('SessionError: a login that the network failed keeps the cause, with its errno', async (t) => {
  const { session, phone } = await start(t)
  phone.offline = true

  const offline = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  phone.offline = false
  phone.fail('request', { errMsg: 'request:fail net::ERR_NETWORK_CHANGED', errno: 600001 })
  const lost = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.is(offline.code, 'ERR_LOGIN')
  t.is(lost.code, 'ERR_NETWORK')
  for (const { errno, errMsg, cause } of [offline, lost]) {
    t.is(errno, 600001)
    t.regex(errMsg, /^(login|request):fail .*net::ERR_/)
    t.deepEqual(cause, { errMsg, errno })
  }
})

// W6: request(null) was a TypeError.
test('ERR_OPTIONS: options that make no sense fail with it, and reach nothing', async (t) => {
  const { session, phone } = await start(t)
  const nonsense: unknown[] = [null, undefined, 7, 'text', {}, { url: null }, { url: 7 }, { url: undefined }]

  for (const options of nonsense) {
    const error = await Promise.resolve()
      .then(() => session.request(options as never))
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    t.true(isSessionError(error), `${JSON.stringify(options)}: ${error}`)
    t.is((error as SessionError).code, 'ERR_OPTIONS')
  }
  for (const baseUrl of ['', '/api', 'api.example.com', 'ftp://api.example.com', 7, null]) {
    const error = t.throws(() => createSession({ baseUrl: baseUrl as string, wx: phone.wx }))
    t.true(isSessionError(error), `${baseUrl}: ${error}`)
  }
  t.deepEqual([phone.counts.login, phone.counts.request], [0, 0])
})

// W7: request() returned undefined.
test('request(): a call is a task and a promise', async (t) => {
  const { session } = await start(t)

  const call = session.request({ url: '/' })

  for (const name of [
    'abort',
    'onHeadersReceived',
    'offHeadersReceived',
    'onChunkReceived',
    'then',
  ] as const) {
    t.is(typeof call[name], 'function', name)
  }
  t.is((await call).statusCode, 200)
})

// W8: Any envelope, such as "session server down", deleted a valid session.
test('X-WX-Session-Error: a refusal that does not speak of the session leaves it alone', async (t) => {
  const reasons: [reason: string, status: number][] = [
    ['ERR_STORE_UNAVAILABLE', 503],
    ['ERR_BAD_REQUEST', 400],
    ['ERR_UNTRUSTED_RAW_DATA', 401],
    ['ERR_SESSION_SERVER_DOWN', 500],
  ]
  for (const [reason, status] of reasons) {
    let isDown = false
    const { session, phone } = await startOdd(t, {
      handler(ctx) {
        if (isDown) refuse(ctx, reason as Reason, status)
        else accept(ctx)
      },
    })
    await session.login()
    isDown = true
    const error = await fails(t, (callbacks) => session.request({ url: '/', method: 'POST', ...callbacks }))
    isDown = false
    await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

    t.deepEqual([error.code, error.reason, error.statusCode], ['ERR_REFUSED', reason as Reason, status])
    t.deepEqual([phone.counts.login, phone.counts.removeStorageSync], [1, 0], reason)
  }
})

// W9: Network failures arrived as { errMsg }, not as an error.
test('fail: a network failure is an error, with all that wx said', async (t) => {
  const { session, phone } = await start(t)
  phone.fail('request', { errMsg: 'request:fail timeout', errno: 5 })

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.true(error instanceof Error)
  const { code, errMsg, errno, message, attempts, phase, retryable } = error
  t.deepEqual([code, errMsg, errno, attempts], ['ERR_NETWORK', 'request:fail timeout', 5, 1])
  t.deepEqual([message, phase, retryable], ['GET /: request:fail timeout', 'request', true])
})

// W10: No callback after a second, although an error for it was exported.
test('loginTimeout: a hung wx.login is told to the callbacks of every call that waits, each once', async (t) => {
  const { session, phone, heard } = await start(t, {}, { loginTimeout: 150 })
  phone.fail('login', 'hang', 100)

  const errors = await Promise.all(
    Array.from({ length: 5 }, () => fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))),
  )

  t.deepEqual(new Set(errors.map(({ code }) => code)), new Set(['ERR_LOGIN']))
  t.is(heard.length, 0)
  t.true(phone.counts.login <= 3, `${phone.counts.login} logins`)
})

// W11: Importing it registered four listeners for sockets.
test('import: importing the client and making a session touch nothing of wx', async (t) => {
  const client = new URL('../../client/src/index.ts', import.meta.url)
  const program = `
    const touched = []
    globalThis.wx = new Proxy({}, { get: (_, name) => { touched.push(name) } })
    const { createSession } = await import('${client}')
    createSession({ baseUrl: 'https://api.example.com' }).onChange(() => {})
    console.log('touched: ' + touched.join())`

  const { stdout } = await execFile(process.execPath, [
    '--import=tsx',
    '--input-type=module',
    '--eval',
    program,
  ])

  t.is(stdout.trim(), 'touched:')
})

// W12: Asked before each of three calls, and taken for proof of a session of the server.
test('wx.checkSession: it is never asked: it knows nothing of the server’s session', async (t) => {
  const { session, phone } = await start(t)

  for (let n = 1; n <= 3; n++) await session.login()
  await session.request({ url: '/' })

  t.is(phone.counts.checkSession, 0)
})

// X1: A failed wx.login called nothing.
test('wx.login: a failed one is told to whoever waits: login, uploads, downloads', async (t) => {
  const { session, phone, heard } = await start(t)
  phone.files.write('a.txt', 'text')
  const failing = () => phone.fail('login', { errMsg: 'login:fail' })

  failing()
  await t.throwsAsync(session.login(), { code: 'ERR_LOGIN' })
  failing()
  const upload = await fails(t, (callbacks) =>
    session.uploadFile({ url: '/', filePath: 'a.txt', name: 'file', ...callbacks }),
  )
  t.is(upload.code, 'ERR_LOGIN')
  await sleep(1500)
  await session.login()
  await session.logout()
  failing()
  const download = await fails(t, (callbacks) => session.downloadFile({ url: '/', ...callbacks }))
  t.is(download.code, 'ERR_LOGIN')
  t.deepEqual([phone.counts.uploadFile, phone.counts.downloadFile, heard.length], [0, 0, 1])
})

// X2: Three calls, three wx.login.
test('login(): where there is a session it asks nobody', async (t) => {
  const { session, phone, heard } = await start(t)

  for (let n = 1; n <= 3; n++) await session.login()

  t.deepEqual([phone.counts.login, heard.length], [1, 1])
})

// X3: After a new login, 401 with null as its body: an uncaught TypeError, and no callback.
test('request(): 401 with null as its body, first or after a new login, is the app’s answer', async (t) => {
  const { session, phone, server } = await start(t, {
    handler(ctx) {
      ctx.status = 401
      ctx.type = 'json'
      ctx.body = 'null'
    },
  })

  const first = await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  await server.revoke(phone.user.openId)
  const second = await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  for (const { statusCode, data } of [first, second]) t.deepEqual([statusCode, data], [401, null])
  t.deepEqual([phone.counts.login, phone.counts.request], [2, 3])
})

// X4: A POST that was answered `code: -1` logged in, and was sent twice.
test('request(): the app’s own answers do not touch the session, and a POST is sent once', async (t) => {
  let handled = 0
  const { session, phone } = await start(t, {
    handler(ctx) {
      handled += 1
      ctx.body = { code: -1, reason: 'ERR_SESSION_EXPIRED', error: 'ERR_SESSION_EXPIRED' }
    },
  })

  const { data } = await succeeds(t, (callbacks) =>
    session.request({ url: '/', method: 'POST', data: {}, ...callbacks }),
  )

  t.deepEqual(data, { code: -1, reason: 'ERR_SESSION_EXPIRED', error: 'ERR_SESSION_EXPIRED' })
  t.deepEqual([handled, phone.counts.login, phone.counts.request], [1, 1, 1])
})

// X5: The type of an error was whatever the server had sent.
test('SessionError: the code of an error is ours, whatever the server calls its reason', async (t) => {
  for (const reason of ['ERR_ABORTED', 'toString', 'x'.repeat(300), 7, true, {}, ['ERR_SESSION_EXPIRED']]) {
    const { session, phone } = await startOdd(t, {
      handler(ctx) {
        ctx.status = 401
        ctx.body = { [MAGIC_ID]: 1, reason, error: { name: 'E', message: 'm' } }
      },
    })

    const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

    t.is(error.code, 'ERR_REFUSED', `${reason}`)
    t.is(typeof error.message, 'string')
    t.is(phone.counts.login, 1, `${reason}`)
  }
})

/*
 * No test: W13 and W14 are about a tunnel with reconnect counters; here connectSocket gives the task of wx, and
 * reconnecting is the app's.
 */

/** A server that is not ours, or an older one, and a session on a phone. */
async function startOdd(t: ExecutionContext, { handler }: { handler(ctx: Context): void }): Promise<Started> {
  const { url, heard } = await oddServer(t, handler)
  const phone = startWechat(t).phone()
  return { session: createSession({ baseUrl: url, wx: phone.wx, profile: 'userInfo' }), phone, heard, url }
}

async function oddServer(
  t: ExecutionContext,
  handler: (ctx: Context) => void,
): Promise<{ url: string; heard: IncomingHttpHeaders[] }> {
  const heard: IncomingHttpHeaders[] = []
  const app = new Koa()
  app.silent = true
  app.use((ctx) => {
    heard.push(ctx.headers)
    handler(ctx)
  })
  return { url: await listen(t, app), heard }
}

function refuse(ctx: Context, reason: Reason, status = 401): void {
  ctx.status = status
  ctx.set('X-WX-Session-Error', reason)
  ctx.body = { [MAGIC_ID]: 1, reason, error: { name: 'WeappSessionError', message: 'refused' } }
}

/** Of the session server, which accepts a login if there is one. */
function accept(ctx: Context): void {
  ctx.set('Weapp-Login', 'accepted')
  ctx.body = {}
}

/** A server that knows the codes of the logins it saw, behind a gateway that answers every second request itself. */
function flappingServer(): (ctx: Context) => void {
  const codes = new Set<string | undefined>()
  let n = 0
  return (ctx) => {
    n += 1
    if (n % 2 === 1) {
      ctx.status = 502
      ctx.body = '<h1>Bad Gateway</h1>'
      return
    }
    if (isLogin(ctx.headers)) codes.add(codeOf(ctx.headers))
    if (codes.has(codeOf(ctx.headers))) accept(ctx)
    else refuse(ctx, 'ERR_SESSION_EXPIRED')
  }
}

function isLogin(headers: IncomingHttpHeaders): boolean {
  return 'weapp-rawdata' in headers || 'weapp-login' in headers
}

function codeOf(headers: IncomingHttpHeaders): string | undefined {
  return headers['weapp-code'] as string | undefined
}

/** A store whose answers can be made to come one after the other, so many ms apart. */
function slowStore(): SessionStore & { delayReads(gap: number): void } {
  const store = memoryStore()
  let gap = 0
  let reads = 0
  return {
    ...store,
    timeout: 20_000,
    async read(id) {
      if (gap > 0) await sleep(gap * ++reads)
      return store.read(id)
    },
    delayReads(ms) {
      gap = ms
      reads = 0
    },
  }
}
