/**
 * Other ways to a server: through WeChat's own gateway (微信网关), which has errors of its own, and to 云托管, which knows
 * the user without a login.
 */
import test from 'ava'
import { createSession, isSessionError, type SessionError, type Wx } from '../../client/src/index.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { type Reply, type Script, scriptedPhone, WELCOME } from './support/scripted-phone.js'
import { clockOf, endOf, type VirtualClock } from './support/virtual-clock.js'

const BASE = 'https://api.example.com'

// — The gateway —

for (const errCode of [102003, 102020, 102021]) {
  test.serial(
    `errCode ${errCode}: the gateway is busy: what may be repeated is, with no login in between`,
    async (t) => {
      const clock = clockOf(t)
      for (const stored of [{ 'Weapp-Code': 'code-0' }, undefined]) {
        const { phone, session, sentAt } = start(
          { answer: (_, n) => (n <= 3 ? said(errCode) : WELCOME), stored },
          clock,
        )

        t.is((await soon(clock, session.request({ url: '/' }))).data, 'welcome')

        t.deepEqual([phone.sent.length, phone.counts.login], [4, stored ? 0 : 1])
        t.is(new Set(phone.sent.map(({ header }) => header['Weapp-Code'])).size, 1)
        t.deepEqual(between(sentAt), [1000, 1000, 1000])
      }
    },
  )

  test.serial(
    `errCode ${errCode}: four attempts, no second one of a POST, and no other call fails for it`,
    async (t) => {
      const clock = clockOf(t)
      for (const [method, attempts] of [
        ['GET', 4],
        ['POST', 1],
      ] as const) {
        let isBusy = true
        const { phone, session } = start({ answer: () => (isBusy ? said(errCode) : WELCOME) }, clock)
        for (let n = 1; n <= 4; n++) {
          const error = await failure(soon(clock, session.request({ url: '/', method })))
          t.like(error, { code: 'ERR_NETWORK', errCode, errno: undefined, attempts, retryable: true })
          t.regex(error.errMsg, /gateway.call: fail .*code: /)
        }
        isBusy = false
        t.is((await soon(clock, session.request({ url: '/' }))).data, 'welcome')
        t.is(phone.sent.length, 4 * attempts + 1)
      }
    },
  )
}

test.serial(
  'errCode 102006, 102016, 102022: the gateway forbids it: final, once, and no other call fails for it',
  async (t) => {
    const clock = clockOf(t)
    for (const errCode of [102006, 102016, 102022]) {
      const { phone, session } = start(
        { answer: ({ url }) => (url.endsWith('/forbidden') ? said(errCode) : WELCOME) },
        clock,
      )

      const calls = [1, 2, 3, 4].map(() => session.request({ url: '/forbidden' }))
      const me = soon(clock, session.request({ url: '/me' }))

      for (const call of calls) {
        t.like(await failure(call), { code: 'ERR_NETWORK', errCode, attempts: 1, retryable: false })
      }
      t.is((await me).data, 'welcome')
      t.is(phone.sent.length, 5)
    }
  },
)

test.serial('errCode 104100, -601001, -601008, -601069: the network: never repeated by itself', async (t) => {
  const clock = clockOf(t)
  for (const errCode of [104100, -601001, -601008, -601069]) {
    const { phone, session } = start({ answer: () => said(errCode), stored: { 'Weapp-Code': 'c' } }, clock)

    const error = await failure(soon(clock, session.request({ url: '/' })))

    t.like(error, { code: 'ERR_NETWORK', errCode, attempts: 1, retryable: true })
    t.deepEqual([phone.sent.length, phone.storage.size], [1, 1])
  }
})

test.serial(
  'errCode 102020: a login that grew too old while the gateway was busy is not offered',
  async (t) => {
    const clock = clockOf(t)
    const { phone, session } = start({ answer: (_, n) => (n === 1 ? said(102020) : WELCOME) }, clock)
    const call = session.request({ url: '/' })
    await clock.advance(10)
    clock.freeze(300_000)

    t.is((await soon(clock, call)).data, 'welcome')

    t.deepEqual(
      phone.sent.map(({ header }) => header['Weapp-Code']),
      ['code-1', 'code-2'],
    )
  },
)

test('errMsg of a success through the gateway is its own, and the app’s', async (t) => {
  const phone = scriptedPhone()
  const { request } = phone.wx
  phone.wx.request = (options) =>
    request({ ...options, success: (result) => options.success?.({ ...result, errMsg: 'gateway.call: ok' }) })

  const { errMsg } = await createSession({ baseUrl: BASE, wx: phone.wx }).request({ url: '/' })

  t.is(errMsg, 'gateway.call: ok')
})

// — 云托管 —

for (const style of ['callbacks', 'promise', 'both'] as const) {
  test(`cloud: requests go by wx.cloud.callContainer (${style}), without a login`, async (t) => {
    const { session, phone, called } = startCloud(() => ({ statusCode: 200, data: { ok: true } }), style)
    const heard: unknown[] = []

    const result = await session.request<{ ok: boolean }>({
      url: '/api/me?a=1',
      method: 'POST',
      data: { b: 2 },
      header: { 'X-Own': '1' },
      timeout: 5000,
      success: ({ data }) => heard.push(data),
      complete: () => heard.push('complete'),
    })
    await session.request({ url: 'plain' })
    await session.login()

    t.like(result, { statusCode: 200, data: { ok: true }, errMsg: 'cloud.callContainer:ok' })
    t.deepEqual(heard, [{ ok: true }, 'complete'])
    t.like(called[0], {
      config: { env: 'prod-1' },
      path: '/api/me?a=1',
      method: 'POST',
      data: { b: 2 },
      timeout: 5000,
    })
    t.deepEqual(called[0]?.header, { 'X-Own': '1', 'X-WX-SERVICE': 'koa' })
    t.deepEqual([called[1]?.path, called.length], ['/plain', 2])
    t.deepEqual([phone.counts.login, phone.sent.length, phone.storage.size], [0, 0, 0])
  })

  test(`cloud: failures and refusals are those of request (${style})`, async (t) => {
    const replies: Reply[] = [
      { errMsg: 'cloud.callContainer:fail', errCode: -501000 },
      refused('ERR_LOGIN_REQUIRED', 401),
      refused('ERR_STORE_UNAVAILABLE', 503),
      { statusCode: 500, data: 'broken' },
    ]
    const { session, phone, called } = startCloud(() => replies.shift(), style)
    const ask = () => session.request({ url: '/', method: 'POST' })

    t.like(await failure(ask()), {
      code: 'ERR_NETWORK',
      errCode: -501000,
      errMsg: 'cloud.callContainer:fail',
    })
    t.like(await failure(ask()), { code: 'ERR_REFUSED', reason: 'ERR_LOGIN_REQUIRED', attempts: 1 })
    t.like(await failure(ask()), { code: 'ERR_REFUSED', reason: 'ERR_STORE_UNAVAILABLE', attempts: 1 })
    t.like(await ask(), { statusCode: 500, data: 'broken' })
    t.deepEqual([called.length, phone.counts.login], [4, 0])
  })
}

test('cloud: a call that is aborted or logged out ends, although callContainer cannot be stopped', async (t) => {
  const { session } = startCloud(() => undefined, 'both')
  const aborted = session.request({ url: '/' })
  const left = session.request({ url: '/' })
  await new Promise(setImmediate)

  aborted.abort()
  t.is((await failure(aborted)).code, 'ERR_ABORTED')
  await session.logout()
  t.is((await failure(left)).code, 'ERR_LOGGED_OUT')
})

test('cloud: uploads, downloads and sockets do not go that way, and say so', async (t) => {
  const { session, phone, called } = startCloud(() => ({ statusCode: 200 }), 'both')

  for (const [api, call] of [
    ['uploadFile', () => session.uploadFile({ url: '/', filePath: 'f', name: 'f' })],
    ['downloadFile', () => session.downloadFile({ url: '/' })],
    ['connectSocket', () => session.connectSocket({ url: '/' })],
  ] as const) {
    const error = await failure(call())
    t.like(error, { code: 'ERR_OPTIONS', errMsg: `${api}:fail no wx.cloud.${api}` })
  }
  t.deepEqual([called.length, phone.sent.length], [0, 0])

  // Elsewhere they do.
  await session.downloadFile({ url: 'https://files.example.com/a' })
  t.is(phone.sent.length, 1)
})

test('cloud: a wx without it is a mistake of the app', async (t) => {
  const session = createSession({ cloud: { env: 'prod-1', service: 'koa' }, wx: scriptedPhone().wx })

  t.like(await failure(session.request({ url: '/' })), {
    code: 'ERR_OPTIONS',
    message: 'GET /: no wx.cloud.request',
  })
})

test('cloud: requests to other places go there by wx.request, without a session', async (t) => {
  const { session, phone, called } = startCloud(() => ({ statusCode: 200 }), 'both')

  await session.request({ url: 'https://elsewhere.example.org/a' })

  t.deepEqual([called.length, phone.sent.length], [0, 1])
  t.deepEqual(phone.sent[0]?.header, {})
})

// — Helpers —

interface Called {
  config: unknown
  path: string
  header: Record<string, string>
}

/** A phone whose `wx.cloud` answers as it is told, by callbacks, a promise or both; and a session in the cloud. */
function startCloud(answer: () => Reply, style: 'callbacks' | 'promise' | 'both') {
  const phone = scriptedPhone()
  const called: Called[] = []
  const cloud = {
    callContainer(options: Called & { success(result: unknown): void; fail(error: unknown): void }) {
      called.push(options)
      const reply = answer()
      const ended = new Promise((resolve, reject) => {
        if (!reply) return
        if (!('statusCode' in reply)) reject(reply)
        else resolve({ data: '', header: {}, ...reply, errMsg: 'cloud.callContainer:ok' })
      })
      if (style !== 'promise') ended.then(options.success, options.fail)
      return style === 'callbacks' ? undefined : ended
    },
  }
  const wx: Wx = { ...phone.wx, cloud }
  return { phone, called, session: createSession({ cloud: { env: 'prod-1', service: 'koa' }, wx }) }
}

function start(
  { stored, ...script }: Omit<Script, 'stored'> & { stored?: object | undefined },
  clock: VirtualClock,
) {
  const sentAt: number[] = []
  const phone = scriptedPhone({
    answer(sent, n) {
      sentAt.push(clock.now())
      return script.answer?.(sent, n)
    },
    ...(stored && { stored: { kept: { v: 2, header: stored } } }),
  })
  return { phone, sentAt, session: createSession({ baseUrl: BASE, wx: phone.wx, storageKey: 'kept' }) }
}

/** What the gateway says in `fail`. */
function said(errCode: number): Exclude<Reply, undefined> {
  const message = `gateway.call: fail wx system error , code: ${errCode}, callid: 1`
  return { errCode, message }
}

function refused(reason: string, statusCode: number): Reply {
  const data = { [MAGIC_ID]: 1, reason, error: { name: 'WeappSessionError', message: reason } }
  return { statusCode, data, header: { 'X-WX-Session-Error': reason } }
}

async function failure(call: Promise<unknown>): Promise<SessionError> {
  const error: unknown = await call.then(
    (result) => new Error(`no failure: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  )
  if (!isSessionError(error)) throw error
  return error
}

/** The call, when it has ended; at most half a minute later. */
function soon<Result>(clock: VirtualClock, call: Promise<Result>): Promise<Result> {
  return endOf(clock, call, 30_000)
}

function between(times: number[]): number[] {
  return times.slice(1).map((time, n) => time - (times[n] ?? 0))
}
