import test from 'ava'
import { createHttp, type HttpOptions } from '../../client/src/http.js'
import { createSession, isSessionError, type SessionError } from '../../client/src/index.js'
import { startServer } from '../support/server.js'
import { type Script, scriptedPhone, WELCOME } from './support/scripted-phone.js'

const BASE = 'https://api.example.com'
const FAILED = { errMsg: 'request:fail', errno: 600001 }

/** `answer` is asked about what carries the session, not about the login before. */
async function start(answer: NonNullable<Script['answer']>, options: HttpOptions = {}) {
  const phone = scriptedPhone({
    answer: (sent, n) => (sent.header['Weapp-Login'] ? WELCOME : answer(sent, n)),
  })
  const session = createSession({ baseUrl: BASE, wx: phone.wx })
  await session.login()
  phone.sent.length = 0
  return { phone, session, http: createHttp(session, options) }
}

test('header: it goes with all calls, below what a call has itself', async (t) => {
  const { http, phone } = await start(() => WELCOME, { header: { 'X-App': '1', 'X-Page': 'all' } })

  await http.request({ url: '/a' })
  await http.request({ url: '/b', header: { 'X-Page': 'b' } })

  t.like(phone.sent[0]?.header, { 'X-App': '1', 'X-Page': 'all', 'Weapp-Code': 'code-1' })
  t.like(phone.sent[1]?.header, { 'X-App': '1', 'X-Page': 'b' })
})

test('header: a function gives that of each call, now or later', async (t) => {
  const { http, phone } = await start(() => WELCOME, {
    header: async ({ url }) => ({ 'X-For': url }),
  })

  await http.request({ url: '/a' })

  t.is(phone.sent[0]?.header['X-For'], '/a')
})

test('before: it may change the options, or end the call', async (t) => {
  const { http, phone } = await start(() => WELCOME, {
    before(options) {
      if (options.url === '/never') throw new RangeError('not that')
      return options.url === '/old' ? { ...options, url: '/new' } : undefined
    },
  })

  await http.request({ url: '/old' })
  await http.request({ url: '/as-it-is' })
  await t.throwsAsync(http.request({ url: '/never' }), { instanceOf: RangeError, message: 'not that' })

  t.deepEqual(
    phone.sent.map(({ url }) => url),
    [`${BASE}/new`, `${BASE}/as-it-is`],
  )
})

test('after: it may change the answer, or refuse it', async (t) => {
  const { http } = await start(
    ({ url }) => ({ statusCode: 200, data: { code: url.endsWith('bad') ? 7 : 0, data: 'inside' } }),
    {
      async after(response) {
        const { code, data } = response.data as { code: number; data: string }
        if (code) throw new Error(`business ${code}`)
        return { ...response, data }
      },
    },
  )

  t.is((await http.request({ url: '/good' })).data, 'inside')
  await t.throwsAsync(http.request({ url: '/bad' }), { message: 'business 7' })
})

test("ok: 'throw': a status that is not 2xx is a failure with its answer; a call may say otherwise", async (t) => {
  const { http } = await start(() => ({ statusCode: 422, data: { error: 'no name' } }), { ok: 'throw' })

  const error = await t.throwsAsync<SessionError>(http.request({ url: '/orders?name=', method: 'POST' }))
  const { statusCode } = await http.request({ url: '/orders', ok: 'any' })

  t.true(isSessionError(error))
  t.like(error, {
    code: 'ERR_STATUS',
    message: 'POST /orders: 422',
    errMsg: 'request:fail 422',
    status: 422,
    statusCode: 422,
    retryable: false,
    url: `${BASE}/orders`,
  })
  t.deepEqual(error.response?.data, { error: 'no name' })
  t.is(statusCode, 422)
})

test("ok: 'throw': 500 and 429 may be better later", async (t) => {
  for (const statusCode of [500, 429]) {
    const { http } = await start(() => ({ statusCode }), { ok: 'throw' })
    const error = await t.throwsAsync<SessionError>(http.request({ url: '/' }))
    t.true(error.retryable)
  }
})

test('retries: what wx could not send is sent again, of methods that may be', async (t) => {
  for (const [method, times] of [
    ['GET', 3],
    ['PUT', 3],
    ['POST', 1],
  ] as const) {
    const { http, phone } = await start(() => FAILED, { retries: 2 })

    const error = await t.throwsAsync<SessionError>(http.request({ url: '/', method }))

    t.is(error.code, 'ERR_NETWORK')
    t.is(phone.sent.length, times, method)
  }
})

test('retries: one that works is the answer, and nobody hears of the others', async (t) => {
  const heard: unknown[] = []
  const { http } = await start((_sent, n) => (n < 3 ? FAILED : { statusCode: 200, data: 'there' }), {
    retries: 2,
    failed: (error) => heard.push(error),
  })

  t.is((await http.request({ url: '/' })).data, 'there')
  t.deepEqual(heard, [])
})

test('retries: a refusal, a status and an abort are final', async (t) => {
  for (const answer of [
    { statusCode: 403, header: { 'Weapp-Session-Error': 'ERR_BAD_REQUEST' } },
    { statusCode: 500 },
  ]) {
    const { http, phone } = await start(() => answer, { retries: 2, ok: 'throw' })
    await t.throwsAsync(http.request({ url: '/' }))
    t.is(phone.sent.length, 1)
  }
})

test('retries: not after the deadline', async (t) => {
  const { http, phone } = await start(() => FAILED, { retries: 3 })

  const error = await t.throwsAsync<SessionError>(http.request({ url: '/', deadline: 150 }))

  t.is(error.code, 'ERR_DEADLINE')
  t.is((error.cause as SessionError).code, 'ERR_NETWORK')
  t.is(phone.sent.length, 1)
})

test('limit: so many run at once, the others in their order; what is cancelled takes no turn', async (t) => {
  const { http, phone } = await start(() => undefined, { limit: 3 })
  const order: string[] = []
  const calls = Array.from({ length: 8 }, (_, n) =>
    http.request({ url: `/${n}`, success: () => order.push(`${n}`) }),
  )
  const settled = Promise.allSettled(calls)
  await turn()
  t.is(phone.sent.length, 3)

  calls[3]?.abort()
  calls[4]?.abort()
  for (let n = 0; n < 6; n++) {
    phone.sent[n]?.answer({ statusCode: 200 })
    await turn()
  }

  await settled
  t.deepEqual(
    phone.sent.map(({ url }) => url.replace(BASE, '')),
    ['/0', '/1', '/2', '/5', '/6', '/7'],
  )
  t.deepEqual(order, ['0', '1', '2', '5', '6', '7'])
})

test('cancelAll(): those of this one, in the line and on their way, and no others', async (t) => {
  const { http, session, phone } = await start(() => undefined, { limit: 1 })
  const other = createHttp(session)
  const calls = [http.request({ url: '/sent' }), http.request({ url: '/waits' })]
  const outcomes = Promise.all(calls.map((call) => t.throwsAsync<SessionError>(call)))
  const others = other.request({ url: '/other' })
  await turn()

  http.cancelAll()

  for (const { code } of await outcomes) t.is(code, 'ERR_ABORTED')
  t.true(phone.sent[0]?.isAborted)
  await turn()
  phone.sent.find(({ url }) => url.endsWith('/other'))?.answer({ statusCode: 200, data: 'there' })
  t.is((await others).data, 'there')
})

test('failed: it hears of each failure before the call does, and not of an abort', async (t) => {
  const heard: string[] = []
  const { http } = await start(() => ({ statusCode: 404 }), {
    ok: 'throw',
    failed(error, { url }) {
      heard.push(`failed ${url} ${(error as SessionError).code}`)
      throw new Error('a mistake of the app')
    },
  })

  const call = http.request({
    url: '/x',
    fail: () => heard.push('fail'),
    complete: () => heard.push('complete'),
  })
  await t.throwsAsync(call)
  const aborted = http.request({ url: '/y' })
  aborted.abort()
  await t.throwsAsync(aborted)

  t.deepEqual(heard, ['failed /x ERR_STATUS', 'fail', 'complete'])
})

test('deadline: a hook that never ends ends the call', async (t) => {
  const { http, phone } = await start(() => WELCOME, { before: () => new Promise(() => {}) })

  const error = await t.throwsAsync<SessionError>(http.request({ url: '/', deadline: 50 }))

  t.is(error.code, 'ERR_DEADLINE')
  t.true(error.retryable)
  t.is(phone.sent.length, 0)
})

test('deadline: a call that waits in the line ends, and its place is nobody’s', async (t) => {
  const { http, phone } = await start(() => undefined, { limit: 1 })
  const first = http.request({ url: '/1' })
  const second = await t.throwsAsync<SessionError>(http.request({ url: '/2', deadline: 50 }))
  phone.sent[0]?.answer({ statusCode: 200 })
  await first
  const third = http.request({ url: '/3' })
  await turn()
  phone.sent[1]?.answer({ statusCode: 200 })

  t.is(second.code, 'ERR_DEADLINE')
  t.is((await third).statusCode, 200)
  t.is(phone.sent.length, 2)
})

test('request(): its task hears chunks and headers, and its callbacks are called once', async (t) => {
  const { http, phone } = await start(() => undefined)
  const heard: unknown[] = []
  const call = http.request({
    url: '/',
    success: () => heard.push('success'),
    complete: () => heard.push('complete'),
  })
  call.onHeadersReceived(({ statusCode }) => heard.push(statusCode))
  call.onChunkReceived(({ data }) => heard.push(data.byteLength))
  await turn()
  phone.sent[0]?.tell('HeadersReceived', { statusCode: 200, header: {} })
  phone.sent[0]?.tell('ChunkReceived', { data: new ArrayBuffer(3) })
  phone.sent[0]?.answer({ statusCode: 200 })
  await call

  t.deepEqual(heard, [200, 3, 'success', 'complete'])
  t.deepEqual(Object.keys(phone.sent[0] ?? {}).includes('ok'), false)
})

test('request(): nonsense is a coded error', async (t) => {
  const { http } = await start(() => WELCOME)

  for (const options of [undefined, null, 7, {}, { url: 7 }]) {
    const error = await t.throwsAsync<SessionError>(http.request(options as never))
    t.is(error.code, 'ERR_OPTIONS')
  }
})

for (const how of ['logout', 'cancelAll'] as const) {
  test(`${how}(): it ends what waits in the line and between repetitions, too`, async (t) => {
    const { http, session, phone } = await start(({ url }) => (url.endsWith('/fails') ? FAILED : undefined), {
      limit: 2,
      retries: 3,
    })
    const heard: string[] = []
    const watched = createHttp(session, { failed: ({ code }: SessionError) => heard.push(code) })
    const calls = ['/runs', '/fails', '/waits'].map((url) => http.request({ url, method: 'PUT' }))
    const others = watched.request({ url: '/other' })
    const outcomes = Promise.all([...calls, others].map((call) => t.throwsAsync<SessionError>(call)))
    await turn()

    await session[how]()

    for (const { code } of await outcomes) t.is(code, how === 'logout' ? 'ERR_LOGGED_OUT' : 'ERR_ABORTED')
    await new Promise((resolve) => setTimeout(resolve, 500))
    t.deepEqual(
      phone.sent.map(({ url }) => url.replace(BASE, '')),
      ['/runs', '/fails', '/other'],
    )
    t.deepEqual(heard, [])
  })
}

test('retries: what has begun to arrive is not asked for again', async (t) => {
  const { http, phone } = await start(() => undefined, { retries: 2 })
  const call = http.request({ url: '/stream' })
  const heard: number[] = []
  call.onChunkReceived(({ data }) => heard.push(data.byteLength))
  await turn()
  phone.sent[0]?.tell('ChunkReceived', { data: new ArrayBuffer(3) })
  phone.sent[0]?.answer(FAILED)

  await t.throwsAsync(call)

  t.deepEqual(heard, [3])
  t.is(phone.sent.length, 1)
})

test('after: it may take longer than the deadline, and an abort ends it', async (t) => {
  const { http } = await start(() => ({ statusCode: 200 }), {
    after: ({ statusCode }, { url }) =>
      url === '/slow'
        ? new Promise((resolve) => setTimeout(() => resolve({ data: 'slow' } as never), 100))
        : new Promise(() => statusCode),
  })

  t.is((await http.request({ url: '/slow', method: 'POST', deadline: 50 })).data, 'slow')
  const call = http.request({ url: '/never' })
  await turn()
  call.abort()
  const error = await t.throwsAsync<SessionError>(call)
  t.is(error.code, 'ERR_ABORTED')
})

test('request(): options of one call that are undefined leave those of all, and others are checked', async (t) => {
  const { http } = await start(() => ({ statusCode: 500 }), { ok: 'throw' })

  const error = await t.throwsAsync<SessionError>(http.request({ url: '/', ok: undefined as never }))
  const odd = await t.throwsAsync<SessionError>(http.request({ url: '/', ok: 'Throw' as never }))

  t.is(error.code, 'ERR_STATUS')
  t.is(error.attempts, 1)
  t.is(odd.code, 'ERR_OPTIONS')
})

test('header: the case of its names does not matter', async (t) => {
  const { http, phone } = await start(() => WELCOME, { header: { 'Content-Type': 'text/plain' } })

  await http.request({ url: '/', header: { 'content-type': 'application/json' } })

  t.is(phone.sent[0]?.header['content-type'], 'application/json')
  t.false('Content-Type' in (phone.sent[0]?.header ?? {}))
})

test.serial('failed: one that is async and rejects is said on the console, and nowhere else', async (t) => {
  const said: unknown[] = []
  const { error: original } = console
  console.error = (error) => {
    if (/a mistake of the app, later/.test(`${error}`)) said.push(error)
  }
  t.teardown(() => {
    console.error = original
  })
  const { http } = await start(() => ({ statusCode: 500 }), {
    ok: 'throw',
    failed: async () => {
      throw new Error('a mistake of the app, later')
    },
  })

  await t.throwsAsync(http.request({ url: '/' }))
  await turn()

  t.like(said, { length: 1 })
})

test('wx.request = http.request: without a copy of wx it is said at once', async (t) => {
  const phone = scriptedPhone()
  const session = createSession({ baseUrl: BASE, wx: phone.wx })
  const http = createHttp(session)
  Object.assign(phone.wx, { request: http.request })

  const error = await t.throwsAsync<SessionError>(session.request({ url: '/' }))

  t.regex(error.message, /give it a copy/)
})

test('createHttp(): its options are checked', (t) => {
  const session = createSession({ baseUrl: BASE, wx: scriptedPhone().wx })
  for (const [options, message] of [
    [{ headers: {} }, /headers cannot be .*: header\?/],
    [{ ok: true }, /ok cannot be true/],
    [{ ok: 'Throw' }, /ok cannot be Throw/],
    [{ retries: -1 }, /retries cannot be -1/],
    [{ retries: 4 }, /retries cannot be 4/],
    [{ limit: 0 }, /limit cannot be 0/],
    [{ before: {} }, /before cannot be/],
  ] as const)
    t.throws(() => createHttp(session, options as HttpOptions), { message, code: 'ERR_OPTIONS' })
  t.notThrows(() => createHttp(session, { retries: 0, header: undefined } as unknown as HttpOptions))
})

test('createHttp(): 50 at once on a first launch are one login, ten at a time', async (t) => {
  let running = 0
  let most = 0
  const { url, wechat } = await startServer(t, {
    async handler(ctx) {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      ctx.body = ctx.$wxUserInfo?.openId
    },
  })
  const phone = wechat.phone()
  const http = createHttp(createSession({ baseUrl: url, wx: phone.wx }), { ok: 'throw', retries: 1 })

  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => http.request({ url: `/${n}` })))

  t.true(answers.every(({ data }) => data === phone.user.openId))
  t.is(phone.counts.login, 1)
  t.true(most <= 10)
})

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}
