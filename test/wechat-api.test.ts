import { createServer } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import { type Clock, install } from '@sinonjs/fake-timers'
import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import supertest from 'supertest'
import type { Wechat } from '../simulator/src/index.js'
import { headerCarrier, weappSession } from '../src/index.js'
import {
  createWechat,
  createWechatApi,
  type PhoneNumber,
  type WechatApi,
  type WechatApiOptions,
} from '../src/wechat/api.js'
import { WechatApiError } from '../src/wechat/api-error.js'
import { createCode2Session } from '../src/wechat/code2session.js'
import { createSlots } from '../src/wechat/slots.js'
import { answer, listen, listenTo, startServer } from './support/server.js'
import { until } from './support/until.js'
import { CARRIERS, KEY, visitor } from './support/visitor.js'
import { newCode, startWechat } from './support/wechat.js'

const TOKEN = '/cgi-bin/stable_token'
const PHONE = '/wxa/business/getuserphonenumber'
const CHECK = '/wxa/checksession'
const HOUR = 3600_000

/** ms for an answer of WeChat: patient, because the machine is busy with other tests. */
const TIMEOUT = 10_000

const ALICES: PhoneNumber = { phoneNumber: '13800138000', purePhoneNumber: '13800138000', countryCode: '86' }

for (const transport of ['fetch', 'HTTP'] as const) {
  test(`getPhoneNumber(), over ${transport}: the button's code becomes a phone number`, async (t) => {
    const { api, alice, weixin } = await start(t, { transport })

    const phone = await api.getPhoneNumber(alice.requestUserPhoneCode(), { openId: alice.user.openId })

    t.deepEqual(phone, ALICES)
    t.deepEqual(paths(weixin), [TOKEN, PHONE])
  })

  test(`getPhoneNumber(), over ${transport}: fifty calls at once fetch one token`, async (t) => {
    const { api, alice, weixin } = await start(t, { transport })
    const codes = Array.from({ length: 50 }, () => alice.requestUserPhoneCode())

    const phones = await Promise.all(codes.map((code) => api.getPhoneNumber(code)))

    t.deepEqual(phones, Array(50).fill(ALICES))
    t.is(count(weixin, TOKEN), 1)
    t.is(count(weixin, PHONE), 50)
  })

  test(`getPhoneNumber(), over ${transport}: a token that has expired is replaced once, and every call succeeds`, async (t) => {
    const { api, alice, weixin } = await start(t, { transport })
    await api.getPhoneNumber(alice.requestUserPhoneCode())
    weixin.clock.advance(2 * HOUR)
    const codes = Array.from({ length: 50 }, () => alice.requestUserPhoneCode())

    const phones = await Promise.all(codes.map((code) => api.getPhoneNumber(code)))

    t.deepEqual(phones, Array(50).fill(ALICES))
    t.is(count(weixin, TOKEN), 2)
    t.true(count(weixin, PHONE) <= 101)
  })

  test(`getPhoneNumber(), over ${transport}: a code asked for ten times at once is sent once`, async (t) => {
    const { api, alice, weixin } = await start(t, { transport })
    const code = alice.requestUserPhoneCode()

    const phones = await Promise.all(Array.from({ length: 10 }, () => api.getPhoneNumber(code)))
    const later = await api.getPhoneNumber(code)

    t.deepEqual([...phones, later], Array(11).fill(ALICES))
    t.is(count(weixin, PHONE), 1)
  })

  test(`isKeyAlive(), over ${transport}: the session_key of the last login is alive, and no other`, async (t) => {
    const { api, alice, weixin, logIn } = await start(t, { transport })
    const { openId, sessionKey: old } = await logIn()
    const before = await api.isKeyAlive(openId, old)
    const { sessionKey: latest } = await logIn()

    t.true(before)
    t.false(await api.isKeyAlive(openId, old))
    t.true(await api.isKeyAlive(openId, latest))
    t.is(openId, alice.user.openId)
    t.is(count(weixin, TOKEN), 1)
  })
}

// --- The access token

test('access_token: a token that another process has replaced is fetched again', async (t) => {
  const { api, alice, weixin } = await start(t)
  await api.getPhoneNumber(alice.requestUserPhoneCode())
  await forceRefresh(weixin)

  t.deepEqual(await api.getPhoneNumber(alice.requestUserPhoneCode()), ALICES)
  t.is(count(weixin, TOKEN), 3)
})

for (const errcode of [40001, 40014, 42001]) {
  test(`access_token: a token that WeChat refuses (${errcode}) but gives out again is not tried again`, async (t) => {
    const { api, alice, weixin, said } = await start(t)
    const code = alice.requestUserPhoneCode()
    weixin.fail({ errcode, consume: false }, { path: PHONE })

    const error = await failure(t, api.getPhoneNumber(code))

    t.like(error, { code: 'ERR_WECHAT_UNAVAILABLE', status: 502, errcode, retryable: true })
    t.deepEqual(paths(weixin), [TOKEN, PHONE, TOKEN])
    t.deepEqual(said, [])
    // The code is unspent, and is sent again when it is asked for again.
    t.deepEqual(await api.getPhoneNumber(code), ALICES)
  })
}

test('access_token: no token is ever forced: every fetch is in normal mode, with the documented fields', async (t) => {
  const bodies: unknown[] = []
  const { api, alice, weixin } = await start(t, {
    through: (fetch) => (url, init) => {
      if (String(url).endsWith(TOKEN)) bodies.push({ ...init?.headers, ...JSON.parse(String(init?.body)) })
      return fetch(url, init)
    },
  })
  await api.getPhoneNumber(alice.requestUserPhoneCode())
  weixin.clock.advance(2 * HOUR)
  await api.getPhoneNumber(alice.requestUserPhoneCode())

  const { appId: appid, appSecret: secret } = weixin
  const body = { grant_type: 'client_credential', appid, secret, force_refresh: false }
  t.deepEqual(bodies, Array(2).fill({ 'Content-Type': 'application/json', ...body }))
})

test('access_token: processes share one token, and none invalidates that of another', async (t) => {
  const weixin = startWechat(t)
  const { alice, api: one } = await start(t, { weixin })
  const { api: other } = await start(t, { weixin })

  await one.getPhoneNumber(alice.requestUserPhoneCode())
  await other.getPhoneNumber(alice.requestUserPhoneCode())
  await one.getPhoneNumber(alice.requestUserPhoneCode())

  t.deepEqual(paths(weixin), [TOKEN, PHONE, TOKEN, PHONE, PHONE])
})

test('access_token: a token of a minute is not kept, one of two hours is', async (t) => {
  let life = 60
  const { api, weixin } = await start(t, { through: (fetch) => withTokenLife(fetch, () => life) })
  const { openId } = weixin.user('alice')
  const fetchedAfter = async () => {
    for (let n = 0; n < 3; n++) await api.isKeyAlive(openId, 'no key')
    return count(weixin, TOKEN)
  }

  t.is(await fetchedAfter(), 3)
  life = 7200
  t.is(await fetchedAfter(), 4)
  t.is(await fetchedAfter(), 4)
})

test('access_token: a token of which little is left is used, while the next is fetched behind the scenes', async (t) => {
  let life = 200
  const { api, weixin } = await start(t, { through: (fetch) => withTokenLife(fetch, () => life) })
  const { openId } = weixin.user('alice')
  await api.isKeyAlive(openId, 'no key')
  life = 7200
  weixin.fail({ delay: 60_000 }, { path: TOKEN })

  for (let n = 0; n < 3; n++) await api.isKeyAlive(openId, 'no key')
  t.deepEqual(paths(weixin).toSorted(), [TOKEN, TOKEN, CHECK, CHECK, CHECK, CHECK].toSorted())

  weixin.clock.advance(60_000)
  await until(async () => {
    const before = count(weixin, TOKEN)
    await api.isKeyAlive(openId, 'no key')
    return count(weixin, TOKEN) === before
  })
})

test('access_token: a renewal that fails behind the scenes disturbs nobody', async (t) => {
  const { api, weixin } = await start(t, { through: (fetch) => withTokenLife(fetch, () => 200) })
  const { openId } = weixin.user('alice')
  await api.isKeyAlive(openId, 'no key')
  weixin.fail('reset', { path: TOKEN, times: Number.POSITIVE_INFINITY })

  for (let n = 0; n < 5; n++) t.false(await api.isKeyAlive(openId, 'no key'))

  t.true(count(weixin, TOKEN) > 1)
})

test('access_token: each mini program has a token of its own', async (t) => {
  const shop = await start(t)
  const game = await start(t)
  const wechat = createWechat(
    new Map([
      [shop.weixin.appId, shop.api],
      [game.weixin.appId, game.api],
    ]),
  )

  const { appId } = game.weixin
  t.deepEqual(await wechat.getPhoneNumber(game.alice.requestUserPhoneCode(), { appId }), ALICES)

  t.deepEqual(paths(game.weixin), [TOKEN, PHONE])
  t.deepEqual(paths(shop.weixin), [])
  for (const options of [{}, { appId: 'wx-other' }, { appId: '' }]) {
    await t.throwsAsync(wechat.getPhoneNumber('code', options), {
      instanceOf: TypeError,
      message: /appId must be/,
    })
  }
})

test('appId: a single mini program need not be named, and no other can be', async (t) => {
  const { weixin, api, alice } = await start(t)
  const wechat = createWechat(new Map([[weixin.appId, api]]))

  t.deepEqual(await wechat.getPhoneNumber(alice.requestUserPhoneCode()), ALICES)
  await t.throwsAsync(wechat.getPhoneNumber('code', { appId: 'wx-other' }), { instanceOf: TypeError })
})

// --- When the token cannot be had

/** What goes wrong with the token: the error, and whether waiting helps. */
const TOKEN_FAULTS = [
  { name: 'hangs', fault: 'hang', code: 'ERR_WECHAT_TIMEOUT', status: 504, retryable: true },
  {
    name: 'answers HTML',
    fault: { status: 200 },
    code: 'ERR_WECHAT_UNAVAILABLE',
    status: 502,
    retryable: true,
  },
  {
    name: 'answers 503',
    fault: { status: 503 },
    code: 'ERR_WECHAT_UNAVAILABLE',
    status: 502,
    retryable: true,
  },
  { name: 'answers half', fault: 'truncated', code: 'ERR_WECHAT_UNAVAILABLE', status: 502, retryable: true },
  {
    name: 'answers without a token',
    fault: { status: 200, body: '{"errcode":0,"expires_in":7200}' },
    code: 'ERR_WECHAT_UNAVAILABLE',
    status: 502,
    retryable: true,
  },
  { name: 'loses its answer', fault: 'lost', code: 'ERR_WECHAT_UNAVAILABLE', status: 502, retryable: true },
  { name: 'is cut off', fault: 'reset', code: 'ERR_WECHAT_UNAVAILABLE', status: 502, retryable: true },
  { name: 'is busy', fault: { errcode: -1 }, code: 'ERR_WECHAT_UNAVAILABLE', status: 502, retryable: true },
  { name: '45009', fault: { errcode: 45009 }, code: 'ERR_WECHAT_RATE_LIMITED', status: 429, retryable: true },
  { name: '45011', fault: { errcode: 45011 }, code: 'ERR_WECHAT_RATE_LIMITED', status: 429, retryable: true },
  { name: '40001', fault: { errcode: 40001 }, code: 'ERR_WECHAT_REFUSED', status: 502, retryable: false },
  { name: '40013', fault: { errcode: 40013 }, code: 'ERR_WECHAT_REFUSED', status: 502, retryable: false },
  { name: '40125', fault: { errcode: 40125 }, code: 'ERR_WECHAT_REFUSED', status: 502, retryable: false },
  { name: '40164', fault: { errcode: 40164 }, code: 'ERR_WECHAT_REFUSED', status: 502, retryable: false },
] as const

for (const transport of ['fetch', 'HTTP'] as const) {
  for (const { name, fault, code, status, retryable } of TOKEN_FAULTS) {
    timed(fault)(
      `getPhoneNumber(), over ${transport}: the token endpoint ${name}: ${code}, and the phone code is not sent`,
      async (t) => {
        const { api, alice, weixin } = await start(t, { transport })
        weixin.fail(fault, { path: TOKEN })
        const phoneCode = alice.requestUserPhoneCode()

        const errors = await outcome(fault, weixin, () =>
          Promise.all(Array.from({ length: 10 }, () => failure(t, api.getPhoneNumber(phoneCode)))),
        )

        for (const error of errors) t.like(error, { code, status, retryable, expose: false })
        t.deepEqual(paths(weixin), [TOKEN])
        // Where waiting helps, the same code is as good as before.
        if (retryable) t.deepEqual(await api.getPhoneNumber(phoneCode), ALICES)
      },
    )
  }
}

test('WechatApiError: our own mistake is said once, with what to do and WeChat’s trace id', async (t) => {
  const { api, weixin, said } = await start(t)
  weixin.fail({ errcode: 40164 }, { times: 2 })

  const first = await failure(t, api.getPhoneNumber('one'))
  await failure(t, api.getPhoneNumber('two'))

  t.deepEqual(
    said.map((line) => line.replace(/[0-9a-f]{8}(-[0-9a-f]{8}){2}/, '…')),
    Array(2).fill(
      `once WEAPP_API_40164 WeChat refuses calls of ${TOKEN} (errcode 40164, rid …): this server's IP address is not on the IP whitelist: add it in the mini program console`,
    ),
  )
  t.regex(first.message, /IP whitelist/)
})

test('getPhoneNumber(): too many calls say how long to wait', async (t) => {
  const { api, weixin } = await start(t)
  weixin.fail({ errcode: 45011 })
  weixin.fail({ errcode: 45009 })

  t.is((await failure(t, api.getPhoneNumber('one'))).headers['Retry-After'], '60')
  t.is((await failure(t, api.getPhoneNumber('two'))).headers['Retry-After'], '3600')
})

// --- Phone numbers

test("getPhoneNumber(): another user's code is refused where the user is named", async (t) => {
  const { api, alice, weixin } = await start(t)
  const bob = weixin.phone('bob')
  const code = alice.requestUserPhoneCode()

  const error = await failure(t, api.getPhoneNumber(code, { openId: bob.user.openId }))

  t.like(error, { code: 'ERR_WECHAT_CODE_REFUSED', status: 400, errcode: 40029, retryable: false })
})

test('getPhoneNumber(): the answer that is remembered for one user is never given to another', async (t) => {
  const { api, alice, weixin } = await start(t)
  const bob = weixin.phone('bob')
  const code = alice.requestUserPhoneCode()

  const alices = await api.getPhoneNumber(code, { openId: alice.user.openId })

  t.deepEqual(alices, ALICES)
  t.like(await failure(t, api.getPhoneNumber(code, { openId: bob.user.openId })), { errcode: 40029 })
  t.deepEqual(await api.getPhoneNumber(code, { openId: alice.user.openId }), ALICES)
})

test('getPhoneNumber(): an openId that is missing is a mistake, not a call without one', async (t) => {
  const { api, alice, weixin } = await start(t)
  const code = alice.requestUserPhoneCode()

  for (const openId of [undefined, null, '', 1]) {
    const call = api.getPhoneNumber(code, { openId } as { openId: string })
    await t.throwsAsync(call, { instanceOf: TypeError, message: /openId/ })
  }

  t.deepEqual(paths(weixin), [])
})

test('getPhoneNumber(): a value that is no code is refused without asking WeChat', async (t) => {
  const { api, weixin } = await start(t)

  for (const code of [undefined, null, '', 1, {}, ['code'], 'x'.repeat(513), 'a code', '码']) {
    t.like(await failure(t, api.getPhoneNumber(code as string)), {
      code: 'ERR_WECHAT_CODE_REFUSED',
      status: 400,
    })
  }

  t.deepEqual(paths(weixin), [])
})

test('getPhoneNumber(): a code of another process is refused there: it has been used', async (t) => {
  const weixin = startWechat(t)
  const { alice, api: one } = await start(t, { weixin })
  const { api: other } = await start(t, { weixin })
  const code = alice.requestUserPhoneCode()

  t.deepEqual(await one.getPhoneNumber(code), ALICES)

  t.like(await failure(t, other.getPhoneNumber(code)), { code: 'ERR_WECHAT_CODE_REFUSED', errcode: 40029 })
})

test('getPhoneNumber(): a caller cannot change the answer of another', async (t) => {
  const { api, alice } = await start(t)
  const code = alice.requestUserPhoneCode()

  const mine = (await api.getPhoneNumber(code)) as { phoneNumber: string }
  mine.phoneNumber = 'changed'

  t.deepEqual(await api.getPhoneNumber(code), ALICES)
})

/** What goes wrong with the call itself: the code may be used up, so it is never sent again. */
const PHONE_FAULTS = [
  {
    name: 'a code that is not good',
    fault: { errcode: 40029 },
    code: 'ERR_WECHAT_CODE_REFUSED',
    status: 400,
  },
  { name: 'busy (-1)', fault: { errcode: -1 }, code: 'ERR_WECHAT_UNAVAILABLE', status: 502 },
  { name: 'too often', fault: { errcode: 45011 }, code: 'ERR_WECHAT_RATE_LIMITED', status: 429 },
  { name: 'no permission', fault: { errcode: 48001 }, code: 'ERR_WECHAT_REFUSED', status: 502 },
  { name: 'an unknown errcode', fault: { errcode: 99999 }, code: 'ERR_WECHAT_REFUSED', status: 502 },
  { name: 'silence', fault: 'hang', code: 'ERR_WECHAT_TIMEOUT', status: 504 },
  { name: 'a lost answer', fault: 'lost', code: 'ERR_WECHAT_UNAVAILABLE', status: 502 },
  { name: 'a cut', fault: 'reset', code: 'ERR_WECHAT_UNAVAILABLE', status: 502 },
  { name: 'half an answer', fault: 'truncated', code: 'ERR_WECHAT_UNAVAILABLE', status: 502 },
  { name: 'HTML', fault: { status: 200 }, code: 'ERR_WECHAT_UNAVAILABLE', status: 502 },
  { name: 'a 500', fault: { status: 500 }, code: 'ERR_WECHAT_UNAVAILABLE', status: 502 },
  {
    name: 'no phone number',
    fault: { status: 200, body: '{"errcode":0,"phone_info":{"countryCode":"86"}}' },
    code: 'ERR_WECHAT_UNAVAILABLE',
    status: 502,
  },
] as const

for (const transport of ['fetch', 'HTTP'] as const) {
  for (const { name, fault, code, status } of PHONE_FAULTS) {
    timed(fault)(
      `getPhoneNumber(), over ${transport}: ${name} is ${code}, and the code is not sent again`,
      async (t) => {
        const { api, alice, weixin } = await start(t, { transport })
        await api.getPhoneNumber(alice.requestUserPhoneCode())
        weixin.fail(fault, { path: PHONE })
        const phoneCode = alice.requestUserPhoneCode()

        const parallel = await outcome(fault, weixin, () =>
          Promise.all([1, 2, 3].map(() => failure(t, api.getPhoneNumber(phoneCode)))),
        )
        const later = await failure(t, api.getPhoneNumber(phoneCode))

        for (const error of [...parallel, later])
          t.like(error, { code, status, retryable: false, expose: false })
        t.is(count(weixin, PHONE), 2)
        // Another code is as good as ever.
        t.deepEqual(await api.getPhoneNumber(alice.requestUserPhoneCode()), ALICES)
      },
    )
  }
}

test('getPhoneNumber(): a call that never left this server leaves the code as it was', async (t) => {
  let isCut = false
  const { api, alice, weixin } = await start(t, {
    through: (fetch) => async (url, init) => {
      if (isCut) throw new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } })
      return fetch(url, init)
    },
  })
  await api.getPhoneNumber(alice.requestUserPhoneCode())
  const code = alice.requestUserPhoneCode()
  isCut = true

  t.like(await failure(t, api.getPhoneNumber(code)), { code: 'ERR_WECHAT_UNAVAILABLE', retryable: true })

  isCut = false
  t.deepEqual(await api.getPhoneNumber(code), ALICES)
  t.is(count(weixin, PHONE), 2)
})

test.serial(
  'getPhoneNumber(): the paid call has the whole timeout, however long its token took',
  async (t) => {
    const { api, alice, weixin } = await start(t)
    const clock = takeTimeouts(t)
    const delay = TIMEOUT * 0.6
    weixin.fail({ delay }, { path: TOKEN })
    weixin.fail({ delay }, { path: PHONE })

    const call = api.getPhoneNumber(alice.requestUserPhoneCode())
    for (const path of [TOKEN, PHONE]) {
      while (count(weixin, path) === 0) await setImmediate()
      await clock.tickAsync(delay)
      weixin.clock.advance(delay)
    }

    t.deepEqual(await call, ALICES)
  },
)

test('wechat.timeout: a call that is given up is cut', async (t) => {
  const signals: (AbortSignal | null | undefined)[] = []
  const { api } = await start(t, {
    timeout: 100,
    through: () => (_url, init) => {
      signals.push(init?.signal)
      return new Promise(() => {})
    },
  })

  t.is((await failure(t, api.getPhoneNumber('code'))).status, 504)
  t.deepEqual(
    signals.map((signal) => signal?.aborted),
    [true],
  )
})

test('getPhoneNumber(): a country code may be a number, as in the documented example', async (t) => {
  const { api, weixin } = await start(t)
  const phone_info = { phoneNumber: '+85212345678', purePhoneNumber: '12345678', countryCode: 852 }
  weixin.fail({ status: 200, body: JSON.stringify({ errcode: 0, phone_info }) }, { path: PHONE })

  t.deepEqual(await api.getPhoneNumber('code'), { ...phone_info, countryCode: '852' })
})

// --- session_keys

test('isKeyAlive(): a session_key that has expired is not alive', async (t) => {
  const weixin = startWechat(t, { sessionKeyMaxAge: HOUR })
  const { api, logIn } = await start(t, { weixin })
  const { openId, sessionKey } = await logIn()
  weixin.clock.advance(HOUR)

  t.false(await api.isKeyAlive(openId, sessionKey))
})

test('isKeyAlive(): the request to WeChat does not hold the session_key', async (t) => {
  const urls: string[] = []
  const { api, logIn, weixin } = await start(t, {
    through: (fetch) => (url, init) => {
      urls.push(decodeURIComponent(String(url)))
      return fetch(url, init)
    },
  })
  const { openId, sessionKey } = await logIn()

  await api.isKeyAlive(openId, sessionKey)

  t.is(count(weixin, CHECK), 1)
  t.false(urls.join('\n').includes(sessionKey))
})

for (const { fault, code, retryable } of [
  { fault: { errcode: -1 }, code: 'ERR_WECHAT_UNAVAILABLE', retryable: true },
  { fault: { errcode: 40003 }, code: 'ERR_WECHAT_REFUSED', retryable: false },
  { fault: { status: 200, body: '{}' }, code: 'ERR_WECHAT_UNAVAILABLE', retryable: true },
  { fault: { status: 502 }, code: 'ERR_WECHAT_UNAVAILABLE', retryable: true },
  { fault: 'hang', code: 'ERR_WECHAT_TIMEOUT', retryable: true },
] as const) {
  timed(fault)(`isKeyAlive(): ${JSON.stringify(fault)} says nothing of a session_key`, async (t) => {
    const { api, logIn, weixin } = await start(t)
    const { openId, sessionKey } = await logIn()
    weixin.fail(fault, { path: CHECK })

    const error = await outcome(fault, weixin, () => failure(t, api.isKeyAlive(openId, sessionKey)))

    t.is(error.code, code)
    t.is(error.retryable, retryable)
    t.true(await api.isKeyAlive(openId, sessionKey))
  })
}

// --- Errors and secrets

test('WechatApiError: no error holds a secret, a token, a code, a key or a URL', async (t) => {
  const weixin = startWechat(t)
  const { logIn } = await start(t, { weixin })
  const { openId, sessionKey } = await logIn()
  const code = weixin.phone('alice').requestUserPhoneCode()
  const echo = (url: unknown, init?: RequestInit) => `${url} ${init?.body} ${inspect(init)}`
  const faults: (typeof fetch)[] = [
    async (...call) =>
      Promise.reject(new Error(`failed: ${echo(...call)}`, { cause: { code: echo(...call) } })),
    async (...call) => Promise.reject(echo(...call)),
    async () => Promise.reject(null),
    async (...call) => new Response(echo(...call)),
    async (...call) => new Response(JSON.stringify({ errcode: 40029, errmsg: echo(...call) })),
    async (...call) => new Response(JSON.stringify({ errcode: 40125, errmsg: echo(...call) })),
    async (...call) => new Response(JSON.stringify({ errcode: echo(...call) })),
    async (...call) => new Response(JSON.stringify({ phone_info: echo(...call), access_token: 1 })),
    (...call) => {
      throw new TypeError(`Invalid URL ${echo(...call)}`)
    },
    () => new Promise(() => {}),
  ]

  for (const at of [TOKEN, PHONE, CHECK]) {
    for (const fault of faults) {
      const said: string[] = []
      const faulty: typeof fetch = (url, init) => (String(url).includes(at) ? fault : weixin.fetch)(url, init)
      const api = createWechatApi({ ...optionsOf(weixin, said), timeout: 100, fetch: faulty })
      const signature = 'signature='

      const errors = await Promise.all([
        at === CHECK ? undefined : failure(t, api.getPhoneNumber(code, { openId })),
        at === PHONE ? undefined : api.isKeyAlive(openId, sessionKey).catch((error: unknown) => error),
      ])

      const text = [...errors.map(everything), ...said].join('\n')
      for (const secret of [...weixin.secrets(), code, sessionKey, openId, signature, 'https://']) {
        t.false(text.includes(secret), text)
      }
    }
  }
})

test('WechatApiError: a redirect is not followed: it would carry the secrets away', async (t) => {
  const thief = startWechat(t)
  const elsewhere = await thief.listen()
  const server = createServer((request, response) => {
    response.writeHead(307, { Location: `${elsewhere}${request.url}` }).end()
  })
  const baseUrl = await listenTo(t, server)
  const api = createWechatApi({ ...optionsOf(startWechat(t), []), baseUrl, fetch })

  t.like(await failure(t, api.getPhoneNumber('code')), { code: 'ERR_WECHAT_UNAVAILABLE' })
  t.is(thief.calls.length, 0)
})

test.serial(
  'WechatApiError: an error that nobody catches is answered by the name of its status',
  async (t) => {
    const { api, weixin } = await start(t)
    const app = new Koa()
    app.silent = true
    app.use(async (ctx) => {
      ctx.body = await api.getPhoneNumber(ctx.path)
    })
    const url = await listen(t, app)
    const answerTo = async (fault: Parameters<Wechat['fail']>[0], path: string) => {
      weixin.fail(fault)
      const { status, text, headers } = await outcome(fault, weixin, async () => supertest(url).get(path))
      return [status, text, headers['retry-after']]
    }

    t.deepEqual(await answerTo('hang', '/1'), [504, 'Gateway Timeout', undefined])
    t.deepEqual(await answerTo({ errcode: 40125 }, '/2'), [502, 'Bad Gateway', undefined])
    t.deepEqual(await answerTo({ errcode: 45011 }, '/3'), [429, 'Too Many Requests', '60'])
  },
)

// --- In requests

for (const name of ['code', 'header', 'cookie', 'jwt'] as const) {
  test(`getPhoneNumber(), with ${name}Carrier(): a handler gets its user's phone number, and nobody else's`, async (t) => {
    const server = await startServer(t, { carrier: CARRIERS[name](), handler: phoneOrKey })
    const { wechat } = server
    const alice = wechat.phone({ name: 'alice', phoneNumber: ALICES.phoneNumber })
    const visit = visitor(server, alice)
    await visit.logIn()

    const mine = await visit.get(`/phone/${alice.requestUserPhoneCode()}`)
    const others = await visit.get(`/phone/${wechat.phone('bob').requestUserPhoneCode()}`)

    t.deepEqual(mine.body, ALICES)
    t.is(others.status, 400)
    t.is(others.text, 'Bad Request')
  })

  test(`isKeyAlive(), with ${name}Carrier(): a handler can tell whether the session_key is alive`, async (t) => {
    const server = await startServer(t, { carrier: CARRIERS[name](), handler: phoneOrKey })
    const alice = server.wechat.phone('alice')
    const visit = visitor(server, alice)
    await visit.logIn()

    const before = await visit.get('/key')
    await newCode(alice)
    const after = await visit.get('/key')

    t.deepEqual([before.body, after.body], [{ isAlive: true }, { isAlive: false }])
  })
}

test('anonymous: a guest has neither a phone number nor a session_key', async (t) => {
  const { send } = await startServer(t, {
    carrier: headerCarrier({ keys: [KEY], anonymous: true }),
    handler: phoneOrKey,
  })

  t.is((await send({}, '/phone/code')).status, 409)
  t.deepEqual((await send({}, '/key')).body, { isAlive: false })
})

test('apps: of several mini programs, each asks with its own token', async (t) => {
  const shop = startWechat(t)
  const game = startWechat(t)
  const reach: typeof fetch = (url, init) => {
    const isGames =
      `${url}${init?.body}`.includes(game.appId) || game.secrets().some((s) => `${url}`.includes(s))
    return (isGames ? game : shop).fetch(url, init)
  }
  const apps = { [shop.appId]: shop.appSecret, [game.appId]: game.appSecret }
  const session = weappSession({ apps, wechat: { fetch: reach } })
  const alice = game.phone({ name: 'alice', phoneNumber: ALICES.phoneNumber })

  const code = alice.requestUserPhoneCode()
  const phone = await session.wechat.getPhoneNumber(code, { appId: game.appId, openId: alice.user.openId })

  t.deepEqual(phone, ALICES)
  t.deepEqual([paths(shop), paths(game)], [[], [TOKEN, PHONE]])
})

async function phoneOrKey(ctx: Context): Promise<void> {
  const [, what, code = ''] = ctx.path.split('/')
  if (what === 'phone') ctx.body = await ctx.$wxSession?.getPhoneNumber(code)
  else if (what === 'key') ctx.body = { isAlive: await ctx.$wxSession?.isKeyAlive() }
  else answer(ctx)
}

// --- Helpers

/** Tests that wait for what hangs take the timers of the process, so they run alone. */
function timed(fault: unknown): (title: string, run: (t: ExecutionContext) => Promise<void>) => void {
  return fault === 'hang' ? test.serial : test
}

/** What comes of a call. When WeChat has been asked and hangs, the time for an answer passes at once. */
async function outcome<T>(fault: unknown, weixin: Wechat, work: () => Promise<T>): Promise<T> {
  if (fault !== 'hang') return work()
  const clock = installTimeouts()
  try {
    const asked = weixin.calls.length
    const result = work()
    while (weixin.calls.length === asked) await setImmediate()
    await clock.tickAsync(TIMEOUT)
    return await result
  } finally {
    clock.uninstall()
  }
}

function takeTimeouts(t: ExecutionContext): Clock {
  const clock = installTimeouts()
  t.teardown(() => clock.uninstall())
  return clock
}

function installTimeouts(): Clock {
  return install({ toFake: ['setTimeout', 'clearTimeout'], shouldClearNativeTimers: true })
}

interface Start extends Partial<Pick<WechatApiOptions, 'timeout'>> {
  weixin?: Wechat
  transport?: 'fetch' | 'HTTP'
  through?: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch
}

/** The API of a mini program, and alice, who has a phone number. */
async function start(
  t: ExecutionContext,
  { weixin = startWechat(t), transport = 'fetch', through = (fetch) => fetch, timeout = TIMEOUT }: Start = {},
) {
  const said: string[] = []
  const reached = transport === 'HTTP' ? { baseUrl: await weixin.listen(), fetch } : { fetch: weixin.fetch }
  const options = { ...optionsOf(weixin, said), ...reached, timeout }
  const api: WechatApi = createWechatApi({ ...options, fetch: through(options.fetch) })
  const alice = weixin.phone({ name: 'alice', phoneNumber: ALICES.phoneNumber })
  const logIn = async () => createCode2Session(options)(await newCode(alice))
  return { api, weixin, alice, said, logIn }
}

function optionsOf({ appId, appSecret, fetch }: Wechat, said: string[]): WechatApiOptions {
  const warn = {
    once: (code: string, message: string) => said.push(`once ${code} ${message}`),
    rarely: (code: string, message: string) => said.push(`rarely ${code} ${message}`),
  }
  const baseUrl = 'https://api.weixin.qq.com'
  return { appId, appSecret, baseUrl, timeout: 5000, fetch, slots: createSlots(1000), warn }
}

async function failure(t: ExecutionContext, call: Promise<unknown>): Promise<WechatApiError> {
  const error = await t.throwsAsync<WechatApiError>(call, { instanceOf: WechatApiError })
  if (!error) throw new Error('did not fail')
  return error
}

function paths(weixin: Wechat): string[] {
  return weixin.calls.map(({ path }) => path).filter((path) => path !== '/sns/jscode2session')
}

function count(weixin: Wechat, path: string): number {
  return paths(weixin).filter((called) => called === path).length
}

/** As if tokens lived that many seconds. */
function withTokenLife(fetch: typeof globalThis.fetch, seconds: () => number): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await fetch(url, init)
    if (!String(url).endsWith(TOKEN)) return response
    return Response.json({ ...((await response.json()) as object), expires_in: seconds() })
  }
}

async function forceRefresh({ appId: appid, appSecret: secret, fetch }: Wechat): Promise<void> {
  const body = JSON.stringify({ grant_type: 'client_credential', appid, secret, force_refresh: true })
  await fetch(`https://api.weixin.qq.com${TOKEN}`, { method: 'POST', body })
}

/** An error as any logger may print it. */
function everything(error: unknown): string {
  const { stack, cause } = Object(error) as { stack?: unknown; cause?: unknown }
  const shown = inspect(error, { depth: 10, showHidden: true })
  return [shown, JSON.stringify(error), stack, cause && everything(cause)].join('\n')
}
