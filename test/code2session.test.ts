import { createServer } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import { WeappSessionError } from '../src/index.js'
import { type Code2SessionOptions, createCode2Session } from '../src/wechat/code2session.js'
import { isRefused, listenTo, startServer } from './support/server.js'
import { codeLoginHeaders, codeOnly, newCode, startWechat } from './support/wechat.js'

/** How each errcode of WeChat is answered: status, and seconds of Retry-After. */
const TREATMENTS: [errcode: number, status: number, retryAfter?: string][] = [
  [-1, 502],
  [40029, 401],
  [40163, 401],
  [41008, 401],
  [99999, 401],
  [40226, 403],
  [45011, 429, '60'],
  [45009, 429, '3600'],
  [40002, 502],
  [40013, 502],
  [40090, 502],
  [40125, 502],
  [40164, 502],
  [40243, 502],
  [41002, 502],
  [41004, 502],
  [48001, 502],
  [50002, 502],
  [50004, 502],
  [61003, 502],
]

for (const [errcode, status, retryAfter] of TREATMENTS) {
  test(`errcode ${errcode}: it is answered with ${status}, and the code is not asked again`, async (t) => {
    const { send, wechat } = await startServer(t)
    wechat.fail({ errcode })
    const headers = await codeLoginHeaders(wechat.phone())

    const first = await send(headers)
    const second = await send(headers)

    for (const response of [first, second]) {
      isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', status)
      t.deepEqual(response.body.error.detail, { errcode })
      t.is(response.get('Retry-After'), retryAfter)
    }
    t.is(wechat.exchanges, 1)
    isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  })
}

const BROKEN = [
  { name: 'an HTML page', fault: { status: 200 } },
  { name: 'a 500', fault: { status: 500 } },
  { name: 'a 503 with an empty body', fault: { status: 503, body: '' } },
  { name: 'a 404', fault: { status: 404 } },
  { name: 'half an answer', fault: 'truncated' },
  { name: 'a success without openid', fault: 'withoutOpenId' },
  { name: 'a success without session_key', fault: 'withoutSessionKey' },
  { name: 'JSON that is no object', fault: { status: 200, body: '[1]' } },
  { name: 'JSON null', fault: { status: 200, body: 'null' } },
  { name: 'an errcode that is no number', fault: { status: 200, body: '{"errcode":"40029"}' } },
  { name: 'a documented success that is none', fault: { status: 200, body: '{"errcode":0,"errmsg":"ok"}' } },
  { name: 'an answer that was lost', fault: 'lost' },
  { name: 'a connection that was reset', fault: 'reset' },
] as const

for (const { name, fault } of BROKEN) {
  for (const transport of ['fetch', 'HTTP'] as const) {
    test(`code2Session: ${name} over ${transport} is a 502, and the code is not asked again`, async (t) => {
      const weixin = startWechat(t)
      const wechat = transport === 'HTTP' ? { baseUrl: await weixin.listen(), fetch } : {}
      const { send } = await startServer(t, { weixin, wechat })
      weixin.fail(fault)
      const headers = await codeLoginHeaders(weixin.phone())

      const first = await send(headers)
      const second = await send(headers)

      for (const response of [first, second]) {
        isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 502)
        t.is(response.body.error.detail, undefined)
      }
      t.is(weixin.exchanges, 1)
    })
  }
}

test('code2Session: over HTTP an exchange is one GET with the four documented parameters', async (t) => {
  const weixin = startWechat(t)
  const requests: (string | undefined)[] = []
  const baseUrl = await serve(t, (url) => {
    requests.push(url)
    return { body: '{"openid":"o-alice","session_key":"tiihtNczf5v6AKRyjwEUhQ=="}' }
  })

  const exchanged = await exchangeWith(weixin, { baseUrl })('a code+&=?')

  t.deepEqual(exchanged, { openId: 'o-alice', unionId: undefined, sessionKey: 'tiihtNczf5v6AKRyjwEUhQ==' })
  const { appId, appSecret } = weixin
  const query = `appid=${appId}&secret=${appSecret}&js_code=a%20code%2B%26%3D%3F&grant_type=authorization_code`
  t.deepEqual(requests, [`/sns/jscode2session?${query}`])
})

test('code2Session: a redirect is not followed: it would carry the secret away', async (t) => {
  const weixin = startWechat(t)
  const thief = startWechat(t)
  const elsewhere = await thief.listen()
  const baseUrl = await serve(t, (url) => ({ status: 302, headers: { Location: `${elsewhere}${url}` } }))

  const error = await t.throwsAsync(exchangeWith(weixin, { baseUrl })('code'), {
    instanceOf: WeappSessionError,
  })

  t.is(error?.status, 502)
  t.is(thief.calls.length, 0)
})

test('code2Session: an answer whose body never ends is given up at the deadline', async (t) => {
  const weixin = startWechat(t)
  const server = createServer((_request, response) => void response.writeHead(200).write('{"openid":'))
  const baseUrl = await listenTo(t, server)

  const exchange = exchangeWith(weixin, { baseUrl, timeout: 200 })

  t.is((await t.throwsAsync<WeappSessionError>(exchange('code')))?.status, 504)
})

test('code2Session: a fetch that heeds no signal is given up at the deadline all the same', async (t) => {
  const exchange = exchangeWith(startWechat(t), { timeout: 100, fetch: () => new Promise(() => {}) })

  t.is((await t.throwsAsync<WeappSessionError>(exchange('code')))?.status, 504)
})

test('code2Session: no error of an exchange holds the secret, the code or the URL', async (t) => {
  const weixin = startWechat(t)
  const code = await newCode(weixin.phone())
  const faults: (typeof fetch)[] = [
    async (url) => Promise.reject(new Error(`request to ${url} failed`, { cause: { code: String(url) } })),
    async (url) => Promise.reject(String(url)),
    async () => Promise.reject(null),
    async (url) => new Response(String(url)),
    async (url) => new Response(JSON.stringify({ errcode: 40029, errmsg: `invalid code ${url}` })),
    (url) => {
      throw new TypeError(`Invalid URL ${url}`)
    },
  ]

  for (const fetch of faults) {
    const error = await t.throwsAsync<WeappSessionError>(exchangeWith(weixin, { fetch })(code))
    const text = inspectDeeply(error)
    t.is(error?.reason, 'ERR_SESSION_KEY_EXCHANGE_FAILED')
    for (const secret of [weixin.appSecret, code, 'jscode2session']) t.false(text.includes(secret), text)
  }
})

test('code2Session: the cause names what went wrong, for whoever debugs', async (t) => {
  const weixin = startWechat(t)
  const refused = exchangeWith(weixin, { baseUrl: 'http://127.0.0.1:1', fetch })
  weixin.fail({ errcode: 40029, errmsg: 'invalid code' })

  const unreachable = await t.throwsAsync<WeappSessionError>(refused('code'))
  const invalid = await t.throwsAsync<WeappSessionError>(exchangeWith(weixin, {})('code'))

  t.is(unreachable?.status, 502)
  t.regex(inspectDeeply(unreachable), /fetch failed|ECONNREFUSED|no connection/)
  t.regex(inspectDeeply(invalid), /errcode 40029, rid [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}/)
})

test('code2Session: our own mistake is said once, with what to do and WeChat’s trace id', async (t) => {
  const weixin = startWechat(t)
  const said: string[] = []
  const exchange = exchangeWith(weixin, {
    warn: { once: (code, message) => said.push(`${code} ${message}`), rarely: () => {} },
  })

  weixin.fail({ errcode: 40029 })
  weixin.fail({ errcode: 40125 })
  for (let n = 0; n < 2; n++) await t.throwsAsync(exchange('code'))

  t.is(said.length, 1)
  t.regex(said[0] ?? '', /^WEAPP_40125 .*rid [0-9a-f-]{26}.*appSecret/)
})

test.serial('code2Session: the warning about our own fault is given once per middleware', async (t) => {
  const { send, wechat } = await startServer(t)
  const said: string[] = []
  const listen = (warning: Error & { code?: string }) => said.push(warning.code ?? '')
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  wechat.fail({ errcode: 40164 }, { times: 3 })

  for (let n = 0; n < 3; n++) await send(await codeLoginHeaders(wechat.phone()))
  await new Promise((resolve) => setImmediate(resolve))

  t.is(said.filter((code) => code === 'WEAPP_40164').length, 1)
})

function exchangeWith(
  { appId, appSecret, fetch }: { appId: string; appSecret: string; fetch: typeof globalThis.fetch },
  options: Partial<Code2SessionOptions>,
): ReturnType<typeof createCode2Session> {
  const base = {
    appId,
    appSecret,
    baseUrl: 'https://api.weixin.qq.com',
    timeout: 1000,
    warn: { once: () => {}, rarely: () => {} },
  }
  return createCode2Session({ ...base, fetch: options.baseUrl ? globalThis.fetch : fetch, ...options })
}

async function serve(
  t: ExecutionContext,
  answer: (url: string | undefined) => { status?: number; headers?: Record<string, string>; body?: string },
): Promise<string> {
  const server = createServer((request, response) => {
    const { status = 200, headers = {}, body = '' } = answer(request.url)
    response.writeHead(status, headers).end(body)
  })
  return listenTo(t, server)
}

/** An error as a logger prints it: message, stack, causes and fields. */
function inspectDeeply(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(String(at.stack), JSON.stringify(at), JSON.stringify({ ...at }))
    if (!(at.cause instanceof Error)) parts.push(JSON.stringify(at.cause) ?? '')
  }
  return parts.join('\n')
}
