/**
 * How the servers before this one broke, one test for each. What was seen there, of weapp-session unless said
 * otherwise, stands above each test, after its row (A) in the list of lessons.
 */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import test from 'ava'
import type Koa from 'koa'
import type { Phone, Wechat } from '../simulator/src/index.js'
import { memoryStore, redisStore, requireWxUser, weappSession } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { startRedis, useRedis, withClient } from './support/redis.js'
import { answer, isRefused, startServer } from './support/server.js'
import { stopwatch } from './support/stopwatch.js'
import { until } from './support/until.js'
import {
  codeLoginHeaders,
  codeOnly,
  loginHeaders,
  namedPhone,
  newCode,
  startWechat,
} from './support/wechat.js'

const redis = useRedis(test)

// A1: The victim's openId as a code answered with the victim's live code.
test('X-WX-Code: an openId is never a credential, and leads nowhere', async (t) => {
  const { options } = redis()
  const { send, wechat } = await startServer(t, { store: redisStore(options) })
  const victim = namedPhone(wechat, 'victim')
  await send(await loginHeaders(victim))

  for (const guess of [victim.user.openId, `u:${victim.user.openId}`, `openId:${victim.user.openId}`]) {
    const response = await send({ 'X-WX-Code': guess })
    isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)
  }
})

// A2: The fork looked up any key of a shared Redis: other programs' JSON became the user.
test('redisStore({ prefix }): a key of another program in the same Redis is no session', async (t) => {
  const { url, prefix, options, entries } = redis()
  const { send, wechat } = await startServer(t, { store: redisStore(options) })
  const headers = await codeLoginHeaders(wechat.phone())
  await send(headers)
  const session = (await entries()).find(({ key }) => key.startsWith(`${prefix}s:`))
  const foreign = ['{"openId":"o-eve"}', 'session', '0 9999999999999\nnull', '0 9999999999999\n{}', '']

  for (const value of foreign) {
    await withClient(url, (client) => client.set(session?.key ?? '', value))
    isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  }
})

// A3: Anybody could overwrite anybody's session, with any field, and no call to WeChat was made.
test('ignoreSignature: there is no such option', (t) => {
  const { appId, appSecret } = startWechat(t)
  const options = { appId, appSecret, ignoreSignature: true }

  t.throws(() => weappSession(options), { instanceOf: TypeError, message: /no option 'ignoreSignature'/ })
})

// A4: `null` as rawData ended the process.
test('X-WX-RawData: a value that is no JSON object is refused, and the server lives', async (t) => {
  const { send, wechat } = await startServer(t)

  for (const rawData of ['null', '1', '"x"', '[]', '[{}]', 'true', '{', '{}{}', 'undefined']) {
    const headers = { ...(await loginHeaders(wechat.phone())), 'X-WX-RawData': encodeURIComponent(rawData) }
    isRefused(t, await send(headers), 'ERR_UNTRUSTED_RAW_DATA', 400)
  }
  t.is((await send()).status, 200)
  t.is(wechat.calls.length, 0)
})

// A5: Without signatures the identity was made from the avatar: everybody with the grey one was the same person.
test('openId: two anonymous users are two users', async (t) => {
  const { send, wechat } = await startServer(t)

  const one = await send(await loginHeaders(wechat.phone()))
  const other = await send(await loginHeaders(wechat.phone()))

  t.is(one.body.user.avatarUrl, other.body.user.avatarUrl)
  t.not(one.body.user.openId, other.body.user.openId)
})

// A6: Whatever stood in rawData, or in decrypted data, reached handlers and overrode the identity.
test('X-WX-RawData: identity is WeChat’s answer alone, a profile is a list of fields', async (t) => {
  const { send, wechat } = await startServer(t)
  const phone = namedPhone(wechat, 'mallory')
  const code = await newCode(phone)
  const sessionKey = await sessionKeyOf(wechat, phone)
  const rawData =
    '{"nickName":"mallory","openId":"o-victim","unionId":"u-victim","appId":"wx0","userId":1,"isAdmin":true,' +
    '"gender":"many","city":{"toString":1},"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}'
  const signature = createHash('sha1')
    .update(rawData + sessionKey)
    .digest('hex')

  const { body } = await send({
    'X-WX-Code': code,
    'X-WX-RawData': encodeURIComponent(rawData),
    'X-WX-Signature': signature,
  })

  t.deepEqual(body.user, { appId: wechat.appId, nickName: 'mallory', openId: phone.user.openId })
  t.is(({} as { isAdmin?: boolean }).isAdmin, undefined)
})

// A7: Three parallel first requests made three exchanges: one was answered, two failed with 40163.
test('X-WX-Code: parallel first requests with one code make one exchange, and all are answered', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(wechat.phone())

  const responses = await Promise.all([send(headers), send(headers), send(headers)])

  t.deepEqual(
    responses.map(({ status }) => status),
    [200, 200, 200],
  )
  t.is(wechat.exchanges, 1)
})

// A8: The answer was lost, the phone asked again: 40163.
test('X-WX-Code: the phone hangs up during the login and asks again', async (t) => {
  const { url, send, wechat } = await startServer(t)
  wechat.fail({ delay: 200 })
  const headers = await loginHeaders(wechat.phone())

  const lost = request(url, { headers }).end()
  lost.on('error', () => {})
  await until(() => wechat.exchanges === 1)
  lost.destroy()
  const response = await send(headers)

  t.is(response.status, 200)
  t.is(wechat.exchanges, 1)
})

// A9: Of two logins at once the index knew one: the other lived on and could not be revoked.
test('revoke(): it ends every session of parallel logins, and so does maxSessionsPerUser', async (t) => {
  const { options } = redis()
  const { send, wechat, session } = await startServer(t, {
    store: redisStore(options),
    maxSessionsPerUser: 1,
  })
  const logins = await Promise.all(Array.from({ length: 8 }, () => codeLoginHeaders(wechat.phone('alice'))))
  await Promise.all(logins.map((headers) => send(headers)))

  const last = await codeLoginHeaders(wechat.phone('alice'))
  await send(last)
  for (const headers of logins) {
    isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  }
  t.is((await send(codeOnly(last))).status, 200)

  await session.revoke(wechat.user('alice').openId)
  isRefused(t, await send(codeOnly(last)), 'ERR_SESSION_EXPIRED', 401)
})

// A10: A login on the PC ended the session of the phone, and the next one there that of the PC.
test('maxSessionsPerUser: a user’s devices stay logged in beside each other', async (t) => {
  const { send, wechat } = await startServer(t)
  const phone = await loginHeaders(wechat.phone('alice'))
  await send(phone)
  const pc = await loginHeaders(wechat.phone('alice'))
  await send(pc)

  t.is((await send(codeOnly(phone))).status, 200)
  t.is((await send(codeOnly(pc))).status, 200)
})

// A11: `redis-cli keys *` listed live credentials.
test('redisStore(): Redis has neither codes nor keys, and nothing that stays', async (t) => {
  const { options, entries } = redis()
  const { send, wechat, session } = await startServer(t, { store: redisStore(options) })
  for (const name of ['alice', 'bob']) await send(await loginHeaders(namedPhone(wechat, name)))
  wechat.fail({ errcode: 40029 })
  await send(await loginHeaders(wechat.phone()))
  await session.revoke(wechat.user('bob').openId)

  const stored = await entries()

  t.true(stored.length >= 5)
  const text = JSON.stringify(stored)
  for (const secret of wechat.secrets()) t.false(text.includes(secret))
  for (const { key, ttl } of stored) t.true(ttl > 0 && ttl <= 7260_000, `${key} lives ${ttl} ms`)
})

// A12: There was no way to end a session.
test('destroy() and revoke(): a session can be ended from inside, and all of a user’s from outside', async (t) => {
  const { send, wechat, session } = await startServer(t, {
    handler: async (ctx) => {
      if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
      answer(ctx)
    },
  })
  const logins = await Promise.all(['1', '2', '3'].map(() => codeLoginHeaders(wechat.phone('alice'))))
  const codes = logins.map((headers) => codeOnly(headers))
  for (const headers of logins) await send(headers)

  t.is((await send(codes[0], '/logout')).body.user, null)
  isRefused(t, await send(codes[0]), 'ERR_SESSION_EXPIRED', 401)
  t.is((await send(codes[1])).status, 200)

  await session.revoke(wechat.user('alice').openId)
  for (const code of codes) isRefused(t, await send(code), 'ERR_SESSION_EXPIRED', 401)
})

// A13: A user in the middle of something was cut off after two hours; `ttl: 0` meant for ever.
test.serial(
  'ttl, rolling, maxAge: lifetimes are checked at start-up; use renews a rolling session, up to maxAge',
  async (t) => {
    for (const ttl of [
      0,
      -1,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      7200_000_000,
      '7200' as unknown as number,
    ]) {
      t.throws(() => weappSession({ appId: 'wx', appSecret: 's', ttl }), {
        instanceOf: TypeError,
        message: /ttl/,
      })
    }
    t.throws(() => weappSession({ appId: 'wx', appSecret: 's', ttl: 10, maxAge: 5 }), { message: /maxAge/ })

    const { options } = redis()
    const rolling = { ttl: 1, rolling: true, maxAge: 3 }
    const date = takeDate(t)
    for (const store of [memoryStore(), redisStore(options)]) {
      const { send, wechat } = await startServer(t, { ...rolling, store })
      const headers = await codeLoginHeaders(wechat.phone())
      const began = Date.now()
      await send(headers)

      let alive = 0
      while ((await send(codeOnly(headers))).status === 200 && Date.now() - began < 5000) {
        alive = Date.now() - began
        date.pass(200)
      }

      t.true(alive > 2000, `renewed only until ${alive} ms`)
      t.true(alive <= 3100, `lived ${alive} ms, beyond maxAge`)
    }
  },
)

// A14: With one Redis for two mini programs, a code of the one was accepted by the other.
test('appId: a session of one mini program is nothing to another on the same Redis', async (t) => {
  const { options } = redis()
  const one = await startServer(t, { store: redisStore(options) })
  const other = await startServer(t, { store: redisStore(options) })
  const headers = await loginHeaders(one.wechat.phone('alice'))
  const code = codeOnly(headers)
  await one.send(headers)

  isRefused(t, await other.send(code), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await other.send(headers), 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
  await other.session.revoke(one.wechat.user('alice').openId)
  t.is((await one.send(code)).status, 200)
})

// A15: Signatures were compared with !==, which ends at the first difference.
test('X-WX-Signature: it is 40 hex digits, and one wrong digit anywhere is wrong', async (t) => {
  const { send, wechat } = await startServer(t)

  for (const position of [0, 20, 39]) {
    const headers = await loginHeaders(wechat.phone())
    const signature = headers['X-WX-Signature'] ?? ''
    const digit = signature[position] === '0' ? '1' : '0'
    const wrong = signature.slice(0, position) + digit + signature.slice(position + 1)
    isRefused(t, await send({ ...headers, 'X-WX-Signature': wrong }), 'ERR_UNTRUSTED_RAW_DATA', 401)
  }
  for (const malformed of ['', '0', 'g'.repeat(40), '0'.repeat(39), '0'.repeat(41), `0x${'0'.repeat(38)}`]) {
    const headers = { ...(await loginHeaders(wechat.phone())), 'X-WX-Signature': malformed }
    isRefused(t, await send(headers), 'ERR_UNTRUSTED_RAW_DATA', 400)
  }
})

// A17: While WeChat did not answer, requests hung without limit.
test.serial('wechat.timeout: a login ends at its deadline, however WeChat hangs', async (t) => {
  const { send, wechat } = await startServer(t, { wechat: { timeout: 300 } })
  for (const name of ['warm', 'up']) await send(await codeLoginHeaders(wechat.phone(name)))

  for (const fault of ['hang', { delay: 2000 }] as const) {
    wechat.fail(fault)
    const headers = await codeLoginHeaders(wechat.phone())
    const began = performance.now()
    const inTime = stopwatch()
    const response = await send(headers)

    isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 504)
    const took = performance.now() - began
    const fair = inTime()
    t.true(
      took >= 290 && fair < 600,
      `answered after ${Math.round(took)} ms, ${Math.round(fair)} of them fair`,
    )
  }
})

// A18: 50 random codes made 50 calls to WeChat.
test('X-WX-Code: codes that nobody logs in with cost WeChat nothing', async (t) => {
  const { send, wechat } = await startServer(t)

  await Promise.all(Array.from({ length: 50 }, (_, n) => send({ 'X-WX-Code': `junk-${n}` })))

  t.is(wechat.calls.length, 0)
})

// A19: rawData beyond Node's header limit is refused by Node, with 431, before the application is asked.
test('X-WX-RawData: beyond 8 KB it is refused before any I/O, and beyond 16 KB the server lives', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(wechat.phone())

  const long = await send({ ...headers, 'X-WX-RawData': 'a'.repeat(8193) })
  const tooLong = await send({ ...headers, 'X-WX-RawData': 'a'.repeat(20_000) })

  isRefused(t, long, 'ERR_BAD_REQUEST', 400)
  t.is(tooLong.status, 431)
  t.is(wechat.calls.length, 0)
  t.is((await send()).status, 200)
})

// A20: The body of a refusal held WeChat's message, its trace id, or pieces of an HTML page.
test('errcode: of WeChat’s answer a client sees this alone, and of a broken one nothing', async (t) => {
  const { send, wechat } = await startServer(t)

  wechat.fail({ errcode: 40029, errmsg: 'invalid code of somebody' })
  const refused = await send(await loginHeaders(wechat.phone()))
  wechat.fail({ status: 502, body: '<html>502 upstream-secret</html>' })
  const broken = await send(await loginHeaders(wechat.phone()))

  isRefused(t, refused, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
  t.deepEqual(refused.body.error.detail, { errcode: 40029 })
  t.notRegex(refused.text, /rid|somebody/)
  isRefused(t, broken, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 502)
  t.is(broken.body.error.detail, undefined)
  t.notRegex(broken.text, /html|upstream/)
  t.deepEqual(Object.keys(broken.body.error), ['name', 'message'])
})

// A21: Every refusal was a 200: caches kept it and monitors saw success.
test('legacyStatus: refusals have their own status and are not cached; it brings 200 back', async (t) => {
  const modern = await startServer(t)
  const legacy = await startServer(t, { legacyStatus: true })

  isRefused(t, await modern.send({ 'X-WX-Code': 'gone' }), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await legacy.send({ 'X-WX-Code': 'gone' }), 'ERR_SESSION_EXPIRED', 200)
})

// A22: rawData that could not be decoded was refused without a reason.
test('X-WX-RawData: where it is malformed it is refused with a reason and without I/O', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(wechat.phone())

  for (const rawData of ['%', '%E5%B0', '%zz', '%C0%80']) {
    isRefused(t, await send({ ...headers, 'X-WX-RawData': rawData }), 'ERR_UNTRUSTED_RAW_DATA', 400)
  }
  t.is(wechat.calls.length, 0)
})

// A23: Without a code every route was open, unless its handler thought of it.
test('requireWxUser(): it turns away who has no session', async (t) => {
  const guard = requireWxUser()
  const handler = async (ctx: Koa.Context) => guard(ctx, async () => answer(ctx))
  const { send, wechat } = await startServer(t, { handler })
  const ignore = (ctx: Koa.Context) => ctx.path === '/ignored'
  const legacy = await startServer(t, { handler, legacyStatus: true, ignore })

  isRefused(t, await send(), 'ERR_LOGIN_REQUIRED', 401)
  isRefused(t, await legacy.send(), 'ERR_LOGIN_REQUIRED', 200)
  isRefused(t, await legacy.send({}, '/ignored'), 'ERR_LOGIN_REQUIRED', 200)
  t.is((await send(await loginHeaders(wechat.phone()))).status, 200)
})

// A24: With the default configuration and Redis ≥ 6, an empty password ended the process at start-up.
test('redisStore({ url }): Redis without a password works; with a wrong one requests get 503 and the process lives', async (t) => {
  const { options } = redis()
  const open = await startServer(t, { store: redisStore(options) })
  t.is((await open.send(await loginHeaders(open.wechat.phone()))).status, 200)

  const locked = await startRedis()
  t.teardown(() => locked.stop())
  await withClient(locked.url, (client) => client.configSet('requirepass', 'open sesame'))
  for (const user of ['', ':wrong@', 'default:wrong@']) {
    const store = redisStore({ url: locked.url.replace('//', `//${user}`) })
    const closed = await startServer(t, { store })
    isRefused(t, await closed.send({ 'X-WX-Code': 'code' }), 'ERR_STORE_UNAVAILABLE', 503)
  }
})

// A25: When Redis went away the process exited, or requests hung.
test.serial(
  'ERR_STORE_UNAVAILABLE: without Redis 503 in time, never 401; the session is there when Redis is back',
  async (t) => {
    const server = await startRedis()
    t.teardown(() => server.stop())
    const { send, wechat } = await startServer(t, {
      store: redisStore({ url: server.url, prefix: server.prefix }),
    })
    // A busy machine may miss the deadline of 250 ms now and then: then, as phones do, with another code.
    let code: Record<string, string> = {}
    await until(async () => {
      const headers = await loginHeaders(wechat.phone())
      code = codeOnly(headers)
      return (await send(headers)).status === 200
    })

    server.server.kill('SIGSTOP')
    const took = stopwatch()
    isRefused(t, await send(code), 'ERR_STORE_UNAVAILABLE', 503)
    t.true(took() < 400)
    t.is((await send()).status, 200)
    server.server.kill('SIGCONT')
    await until(async () => (await send(code)).status === 200)

    await server.stop()
    isRefused(t, await send(code), 'ERR_STORE_UNAVAILABLE', 503)
    const again = await startRedis(server.port)
    t.teardown(() => again.stop())
    await until(async () => (await send(code)).status !== 503)
    isRefused(t, await send(code), 'ERR_SESSION_EXPIRED', 401)
  },
)

// A26: A second call threw, and the configuration was the module's.
test('weappSession(): two mini programs in one process do not meet', async (t) => {
  const one = await startServer(t, { ttl: 10 })
  const other = await startServer(t, { legacyStatus: true })
  const headers = await loginHeaders(one.wechat.phone('alice'))
  await one.send(headers)

  const code = codeOnly(headers)
  t.is((await one.send(code)).status, 200)
  isRefused(t, await other.send(code), 'ERR_SESSION_EXPIRED', 200)
  isRefused(t, await one.send({ 'X-WX-Code': 'gone' }), 'ERR_SESSION_EXPIRED', 401)
})

// A27: What a handler threw was reported as the middleware's error, or next was called twice.
test('weappSession(): a handler’s error stays the handler’s, and it is called once', async (t) => {
  let calls = 0
  const reported: Error[] = []
  const { app, send, wechat } = await startServer(t, {
    handler: (ctx) => {
      calls++
      if (ctx.$wxSession) ctx.$wxSession.data.half = 'done'
      throw Object.assign(new TypeError('of the handler'), { reason: 'ERR_SESSION_EXPIRED' })
    },
  })
  app.on('error', (error) => reported.push(error))
  const headers = await loginHeaders(wechat.phone())

  const response = await send(headers)

  t.is(response.status, 500)
  t.is(response.text, 'Internal Server Error')
  t.is(response.get('X-WX-Session-Error'), undefined)
  t.is(calls, 1)
  t.deepEqual(
    reported.map(({ message }) => message),
    ['of the handler'],
  )
})

/** The session_key that a phone's WeChat signs with: the one of the secrets that fits. */
async function sessionKeyOf(wechat: Wechat, phone: Phone): Promise<string> {
  const { rawData, signature } = await new Promise<{ rawData: string; signature: string }>(
    (resolve, reject) => phone.wx.getUserInfo({ success: resolve, fail: reject }),
  )
  const signs = (key: string) =>
    createHash('sha1')
      .update(rawData + key)
      .digest('hex') === signature
  return wechat.secrets().find(signs) ?? ''
}
