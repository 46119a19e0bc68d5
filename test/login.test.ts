import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { createIds } from '../src/crypto/ids.js'
import { memoryStore, type SessionRecord, type SessionStore } from '../src/index.js'
import { type answer, isRefused, startServer } from './support/server.js'
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

test('ctx.$wxUserInfo: a request without a credential goes on, without a user', async (t) => {
  const { send, wechat } = await startServer(t)

  const response = await send()

  t.is(response.status, 200)
  t.is(response.body.user, null)
  t.is(wechat.calls.length, 0)
})

test('ctx.$wxUserInfo: a login gives the request its user: the profile, and the openId that WeChat answered', async (t) => {
  const { send, wechat } = await startServer(t)
  const phone = namedPhone(wechat, '小明 😀')

  const response = await send(await loginHeaders(phone))

  t.is(response.status, 200)
  t.deepEqual(response.body.user, { ...phone.profile, appId: wechat.appId, openId: phone.user.openId })
  t.true(response.body.isNew)
})

test('X-WX-Code: after a login the code alone is the session', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))
  const { body } = await send(headers)

  const response = await send(codeOnly(headers))

  t.deepEqual(response.body, { ...body, isNew: false })
  t.is(wechat.exchanges, 1)
})

test('X-WX-Code: header names are matched without regard to case', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = Object.entries(await loginHeaders(wechat.phone()))

  const response = await send(Object.fromEntries(headers.map(([name, value]) => [name.toUpperCase(), value])))

  t.is(response.status, 200)
  t.truthy(response.body.user)
})

test('X-WX-Login: a code-only login gives a user without a profile', async (t) => {
  const { send, wechat } = await startServer(t)
  const phone = wechat.phone('alice')
  const headers = await codeLoginHeaders(phone)

  const response = await send(headers)

  t.deepEqual(response.body.user, { appId: wechat.appId, openId: phone.user.openId })
  t.is((await send(codeOnly(headers))).status, 200)
})

test('unionId: it is there when WeChat gives one', async (t) => {
  const weixin = startWechat(t, { unionIds: true })
  const { send } = await startServer(t, { weixin })
  const phone = weixin.phone('alice')

  const { body } = await send(await codeLoginHeaders(phone))

  t.truthy(phone.user.unionId)
  t.deepEqual(body.user, {
    appId: weixin.appId,
    openId: phone.user.openId,
    unionId: phone.user.unionId,
  })
})

test('X-WX-Code: a fresh code that arrives alone is not exchanged: it is a session nobody knows', async (t) => {
  const { send, wechat } = await startServer(t)

  const response = await send({ 'X-WX-Code': await newCode(wechat.phone()) })

  isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)
  t.is(wechat.calls.length, 0)
})

test('X-WX-Code: 50 parallel requests with one fresh code: 50 answers, one exchange, one new session', async (t) => {
  const { send, wechat } = await startServer(t)
  wechat.fail({ delay: 50 })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const responses = await Promise.all(Array.from({ length: 50 }, () => send(headers)))

  t.deepEqual(new Set(responses.map(({ status }) => status)), new Set([200]))
  t.is(new Set(responses.map(({ body }) => JSON.stringify(body.user))).size, 1)
  t.is(responses.filter(({ body }) => body.isNew).length, 1)
  t.is(wechat.exchanges, 1)
})

test('X-WX-Code: a code-only request beside its login waits for it', async (t) => {
  const { send, wechat } = await startServer(t)
  wechat.fail({ delay: 200 })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const login = send(headers)
  await until(() => wechat.exchanges === 1)
  const response = await send(codeOnly(headers))

  t.is(response.status, 200)
  t.deepEqual(response.body.user, (await login).body.user)
  t.is(wechat.exchanges, 1)
})

test('X-WX-Code: a code-only request beside a login that fails is a session that is not there', async (t) => {
  const { send, wechat } = await startServer(t)
  wechat.fail({ errcode: 40029, delay: 100 })
  const headers = await loginHeaders(wechat.phone())

  const login = send(headers)
  await until(() => wechat.exchanges === 1)

  isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await login, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
})

test('X-WX-Code: a login repeated after a lost response: the same session, no second exchange', async (t) => {
  const { send, wechat } = await startServer(t, { handler: (ctx) => keepFirst(ctx) })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))
  const first = await send(headers)

  const second = await send(headers)

  t.is(second.status, 200)
  t.deepEqual(second.body, first.body)
  t.is(wechat.exchanges, 1)
})

test('X-WX-Signature: a login repeated with a signature that does not fit is refused, and the session stays', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))
  await send(headers)

  const forged = await send({ ...headers, 'X-WX-RawData': encodeURIComponent('{"nickName":"mallory"}') })

  isRefused(t, forged, 'ERR_UNTRUSTED_RAW_DATA', 401)
  t.is((await send(codeOnly(headers))).body.user.nickName, 'alice')
})

test('X-WX-Signature: beside a forged login with the same code the true one succeeds', async (t) => {
  const { send, wechat } = await startServer(t)
  // Until all four are there, on a slow machine too.
  wechat.fail({ delay: 1500 })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))
  const forged = { ...headers, 'X-WX-Signature': '0'.repeat(40) }

  const responses = await Promise.all([send(forged), send(headers), send(forged), send(headers)])

  t.deepEqual(responses.map(({ status }) => status).sort(), [200, 200, 401, 401])
  t.is(wechat.exchanges, 1)
})

test('X-WX-Signature: a code whose logins all had wrong signatures is spent: no session, no second exchange', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(wechat.phone())
  isRefused(t, await send({ ...headers, 'X-WX-Signature': '0'.repeat(40) }), 'ERR_UNTRUSTED_RAW_DATA', 401)

  isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await send(headers), 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
  t.is(wechat.exchanges, 1)
})

test('X-WX-Signature: a signature in capitals is the same signature', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(wechat.phone())

  const signature = headers['X-WX-Signature']?.toUpperCase() ?? ''

  t.is((await send({ ...headers, 'X-WX-Signature': signature })).status, 200)
})

test('X-WX-RawData: an anonymous profile is better than none', async (t) => {
  const { send, wechat } = await startServer(t)

  const { body } = await send(await loginHeaders(wechat.phone()))

  t.is(body.user.nickName, '微信用户')
})

test('X-WX-RawData: neither an anonymous profile nor none overwrites the name that another device brought', async (t) => {
  const { send, wechat } = await startServer(t)
  await send(await loginHeaders(namedPhone(wechat, 'alice')))

  const anonymous = await send(await loginHeaders(wechat.phone('alice')))
  const codeOnly = await send(await codeLoginHeaders(wechat.phone('alice')))

  t.is(anonymous.body.user.nickName, 'alice')
  t.is(codeOnly.body.user.nickName, 'alice')
})

test('X-WX-RawData: a new name replaces an old one', async (t) => {
  const { send, wechat } = await startServer(t)
  const phone = namedPhone(wechat, 'alice')
  await send(await loginHeaders(phone))
  phone.profile = { nickName: 'Alice in Wonderland' }

  const { body } = await send(await loginHeaders(phone))

  t.is(body.user.nickName, 'Alice in Wonderland')
})

test('X-WX-RawData: a session without a profile takes the one that the same code proves later', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))
  const code = codeOnly(headers)
  await send({ ...code, 'X-WX-Login': 'code' })

  const improved = await send(headers)

  t.is(improved.body.user.nickName, 'alice')
  t.is((await send(code)).body.user.nickName, 'alice')
  t.is(wechat.exchanges, 1)
})

test('onLogin: it is called once for a session, before anybody sees it', async (t) => {
  const calls: string[] = []
  const { send, wechat } = await startServer(t, {
    async onLogin(session, ctx) {
      calls.push(ctx.$wxUserInfo?.nickName ?? '')
      await new Promise((resolve) => setTimeout(resolve, 50))
      session.data.userId = 42
    },
  })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const responses = await Promise.all(Array.from({ length: 20 }, () => send(headers)))
  const later = await send(codeOnly(headers))

  t.deepEqual(calls, ['alice'])
  t.deepEqual(new Set([...responses, later].map(({ body }) => body.data.userId)), new Set([42]))
})

test('onLogin: when it throws, the error is the application’s, and there is neither a session nor a user', async (t) => {
  const { app, send, wechat } = await startServer(t, { onLogin: (_session, ctx) => ctx.throw(403, 'banned') })
  app.on('error', (_error, ctx) => t.is(ctx.$wxUserInfo, null))
  const headers = await loginHeaders(wechat.phone())

  const response = await send(headers)

  t.is(response.status, 403)
  t.is(response.text, 'banned')
  t.is(response.get('X-WX-Session-Error'), undefined)
  isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
})

test('ignore: an ignored request passes untouched, whatever it carries', async (t) => {
  const { send, wechat } = await startServer(t, { ignore: (ctx) => ctx.path === '/health' })

  const response = await send({ 'X-WX-Code': 'a, b', 'X-WX-RawData': '%' }, '/health')

  t.is(response.status, 200)
  t.is(response.body.user, null)
  t.is(wechat.calls.length, 0)
})

test('X-WX-Encrypted-Data: encrypted data of the same login is opened and checked', async (t) => {
  const { send, wechat } = await startServer(t)
  const phone = namedPhone(wechat, 'alice')
  const code = await newCode(phone)
  const { encryptedData, iv } = await userInfo(phone)

  const headers = {
    'X-WX-Code': code,
    'X-WX-Login': 'code',
    'X-WX-Encrypted-Data': encryptedData,
    'X-WX-IV': iv,
  }
  const response = await send(headers)

  t.deepEqual(response.body.user, { ...phone.profile, appId: wechat.appId, openId: phone.user.openId })
})

test('X-WX-Encrypted-Data: encrypted data of another login, or of another user, is not trusted', async (t) => {
  const { send, wechat } = await startServer(t)
  const [alice, bob] = [wechat.phone('alice'), wechat.phone('bob')]
  await newCode(bob)
  const { encryptedData, iv } = await userInfo(bob)

  const headers = { 'X-WX-Encrypted-Data': encryptedData, 'X-WX-IV': iv }
  const response = await send({ ...(await codeLoginHeaders(alice)), ...headers })

  isRefused(t, response, 'ERR_UNTRUSTED_RAW_DATA', 401)
})

test('revoke(): a revoked session is not accepted, however many logins with its code are under way', async (t) => {
  const store = memoryStore()
  const slow: SessionStore = { ...store, update: (id, record) => later(30, () => store.update(id, record)) }
  const { send, wechat, session } = await startServer(t, { store: slow })
  const phone = namedPhone(wechat, 'alice')
  const headers = await loginHeaders(phone)
  const codeLogin = { ...codeOnly(headers), 'X-WX-Login': 'code' }
  await send(codeLogin)

  const under = Array.from({ length: 20 }, (_, n) => later(n * 10, () => send(headers)))
  await later(60, () => session.revoke(phone.user.openId))
  const after = await Promise.all(Array.from({ length: 10 }, (_, n) => later(n * 10, () => send(codeLogin))))

  for (const response of after) isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)
  await Promise.all(under)
})

test('X-WX-Code: a code that was spent for nothing is refused at once, not after a wait', async (t) => {
  const { send, wechat } = await startServer(t)
  const headers = await loginHeaders(wechat.phone())
  await send({ ...headers, 'X-WX-Signature': '0'.repeat(40) })

  const took = stopwatch()
  isRefused(t, await send(headers), 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)

  t.true(took() < 2000)
})

test('X-WX-Code: a code is not exchanged again when its session was shorter than the life of a code', async (t) => {
  const { send, wechat } = await startServer(t, { ttl: 1 })
  const headers = await loginHeaders(wechat.phone())
  await send(headers)

  await later(1100, () => undefined)

  isRefused(t, await send(headers), 'ERR_SESSION_EXPIRED', 401)
  t.is(wechat.exchanges, 1)
})

test('claim(): a login whose process died is waited for no longer than a lease, and its code is spent', async (t) => {
  const store = memoryStore()
  const { send, wechat } = await startServer(t, { store, wechat: { timeout: 100 } })
  const headers = await loginHeaders(wechat.phone())
  await store.claim(createIds(wechat.appId, wechat.appSecret, 'code').session(headers['X-WX-Code'] ?? ''))

  const began = performance.now()
  const inTime = stopwatch()
  const [login, session] = await Promise.all([send(headers), send(codeOnly(headers))])
  const took = performance.now() - began

  isRefused(t, login, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
  isRefused(t, session, 'ERR_SESSION_EXPIRED', 401)
  t.true(took > 1000 && inTime() < 3000, `${took} ms`)
  t.is(wechat.exchanges, 0)
})

test('claim(): a process that stood still past its lease makes no session of a code that was called spent', async (t) => {
  const store = memoryStore()
  const { send, wechat } = await startServer(t, { store, wechat: { timeout: 100 }, maxSessionsPerUser: 1 })
  const phone = wechat.phone('alice')
  const real = await codeLoginHeaders(phone)
  t.is((await send(real)).status, 200)
  const headers = await codeLoginHeaders(phone)
  const ids = createIds(wechat.appId, wechat.appSecret, 'code')
  const id = ids.session(headers['X-WX-Code'] ?? '')
  const entry = await store.claim(id)
  if (entry.state !== 'granted') return t.fail(entry.state)

  isRefused(t, await send(headers), 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
  // It goes on, with what WeChat has answered it long ago.
  const user = ids.user(phone.user.openId)
  const [record] = (await store.list(user)).map(({ record }) => record)
  if (!record) return t.fail('no session')

  t.false(await store.create({ id, user, claim: entry.claim, record, max: 1 }))
  isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  t.is((await send(codeOnly(real))).status, 200, 'the user’s session lives')
})

test('claim(): requests that wait for a login in another process share one look at the store', async (t) => {
  const store = memoryStore()
  let reads = 0
  const counted: SessionStore = {
    ...store,
    read: (id) => {
      reads++
      return store.read(id)
    },
  }
  const { send, wechat } = await startServer(t, { store: counted, wechat: { timeout: 1000 } })
  const headers = await codeLoginHeaders(wechat.phone())
  await store.claim(createIds(wechat.appId, wechat.appSecret, 'code').session(headers['X-WX-Code'] ?? ''))

  await Promise.all(Array.from({ length: 20 }, () => send(codeOnly(headers))))

  // Three by each, and some by the one that looks again and again for two seconds.
  t.true(reads < 3 * 20 + 30, `${reads} reads`)
})

test('SessionRecord: a record counts only if it says itself that it is ours, of this version, and not over', async (t) => {
  const store = memoryStore()
  const changes: Partial<SessionRecord>[] = [
    { appId: 'wx-other' },
    { v: 2 as 1 },
    { expires: Date.now() - 1 },
  ]
  for (const change of [{}, ...changes]) {
    const altered: SessionStore = {
      ...store,
      async read(id) {
        const entry = await store.read(id)
        return entry?.state === 'session' ? { ...entry, record: { ...entry.record, ...change } } : entry
      },
    }
    const { send, wechat } = await startServer(t, { store: altered })
    const headers = await codeLoginHeaders(wechat.phone())
    await send(headers)

    const isUntouched = Object.keys(change).length === 0
    t.is((await send(codeOnly(headers))).status, isUntouched ? 200 : 401, JSON.stringify(change))
  }
})

test('list(): a login succeeds when the list of sessions cannot be read, without the earlier name', async (t) => {
  const store = { ...memoryStore(), list: () => Promise.reject(new Error('down')) }
  const { send, wechat } = await startServer(t, { store })

  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
})

test('ERR_STORE_UNAVAILABLE: a custom store that fails is ERR_STORE_UNAVAILABLE, however it fails', async (t) => {
  const failures: (() => never | Promise<never>)[] = [
    () => Promise.reject(new Error('down')),
    () => Promise.reject('a text'),
    () => {
      throw new Error('at once')
    },
  ]
  for (const fail of failures) {
    const store = { ...memoryStore(), read: fail, claim: fail }
    const { app, send, wechat } = await startServer(t, { store })
    const reported: Error[] = []
    app.on('error', (error) => reported.push(error))

    for (const headers of [{ 'X-WX-Code': 'some-code' }, await loginHeaders(wechat.phone())]) {
      const response = await send(headers)
      isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
      t.is(response.get('Retry-After'), '1')
    }
    t.is(reported.length, 2)
    t.true(reported.every(({ cause }) => cause !== undefined))
    t.is(wechat.exchanges, 0)
  }
})

test('ERR_STORE_UNAVAILABLE: a custom store that hangs is given up after its timeout', async (t) => {
  const store = { ...memoryStore(), timeout: 100, read: () => new Promise<undefined>(() => {}) }
  const { send } = await startServer(t, { store })

  isRefused(t, await send({ 'X-WX-Code': 'some-code' }), 'ERR_STORE_UNAVAILABLE', 503)
})

function userInfo(phone: ReturnType<typeof namedPhone>): Promise<{ encryptedData: string; iv: string }> {
  return new Promise((resolve, reject) => phone.wx.getUserInfo({ success: resolve, fail: reject }))
}

/** Answers with when the session began: the same for two requests of one session. */
function keepFirst(ctx: Parameters<typeof answer>[0]): void {
  ctx.body = { user: ctx.$wxUserInfo, createdAt: ctx.$wxSession?.createdAt }
}

async function later<T>(ms: number, what: () => T): Promise<Awaited<T>> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return await what()
}

test('destroy(): a login that is repeated after the logout of its session is refused, whatever the first one still waits for', async (t) => {
  const store = memoryStore()
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const slow: SessionStore = {
    ...store,
    async create(session) {
      const isCreated = await store.create(session)
      await gate
      return isCreated
    },
  }
  const one = await startServer(t, { store: slow })
  const other = await startServer(t, {
    store,
    weixin: one.wechat,
    handler: async (ctx) => {
      await ctx.$wxSession?.destroy()
      ctx.body = {}
    },
  })
  const headers = await codeLoginHeaders(one.wechat.phone())

  const first = one.send(headers)
  await until(async () => (await other.send(codeOnly(headers))).status === 200)
  const repeated = one.send(headers)
  await sleep(50)
  release()

  isRefused(t, await repeated, 'ERR_SESSION_EXPIRED', 401)
  await first
})
