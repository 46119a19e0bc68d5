/**
 * How wafer-node-session (C) and wafer2-node-sdk (D) broke, where the server makes the credential. What was seen there
 * stands above each test, after its row in the list of lessons.
 *
 * Without a test: D9, openIds that differ in case only, was the collation of a MySQL column: here ids are hashes, which
 * Redis compares byte by byte. D10, no timeout: lessons-server.test.ts, whatever the carrier. C10's one-time use is not
 * asked for: a phone that repeats a request whose answer was lost repeats its data too, for ten minutes.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import test from 'ava'
import supertest from 'supertest'
import { encrypt } from '../simulator/src/user-info.js'
import { memoryStore, redisStore } from '../src/index.js'
import { countingStore } from './support/counting-store.js'
import {
  ALL,
  ANONYMOUS,
  asCredential,
  CARRIERS,
  credentialOf,
  forEach,
  inHeaders,
  isOver,
  PATIENT,
  start,
  startCounting,
  watermarkOf,
} from './support/lessons.js'
import { useRedis } from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { sessionKeyOf, userInfoOf } from './support/session-key.js'
import { KEY, kept, visitor } from './support/visitor.js'
import { codeLoginHeaders, loginHeaders, namedPhone, startWechat } from './support/wechat.js'

const redis = useRedis(test)

// --- wafer-node-session

// C1: Any request with a malformed query ended the process.
forEach(
  ALL,
  'weappSession(): GET /anything?x=% gets an answer as any other request does',
  async (t, name) => {
    const { server, alice } = await start(t, name)

    for (const path of ['/?x=%', '/?%=%', '/%?x=%zz', '/?X-WX-Code=%', '/?__proto__=1&constructor=2']) {
      t.is((await server.send({}, path)).status, 200, path)
      t.is((await alice.get(path)).status, 200, path)
    }
  },
)

// C2: A code that WeChat did not know ended the process.
forEach(ALL, 'X-WX-Code: a login with a bad code is refused, without a credential', async (t, name) => {
  const { server } = await start(t, name)

  for (const code of ['bad', 'x'.repeat(256), 'the code is a mock one']) {
    const response = await server.send({ 'X-WX-Code': code, 'X-WX-Login': 'code' })
    isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
    t.deepEqual(kept(response), {})
  }
  t.is((await server.send()).status, 200)
})

// C3: An iv of one byte ended the process.
forEach(
  ALL,
  'X-WX-Encrypted-Data: where it is bad it is refused without a call to WeChat, and without a credential',
  async (t, name) => {
    const { server, store } = await startCounting(t, name)
    const { encryptedData, iv } = encrypt({ some: 'data' }, randomBytes(16).toString('base64'))
    const login = await codeLoginHeaders(server.wechat.phone('alice'))

    for (const [data, vector] of [
      [encryptedData, 'AA=='],
      [encryptedData, ''],
      ['', iv],
      [encryptedData.slice(4), iv],
      ['AAAA', iv],
      [encryptedData, `${iv}${iv}`],
      ['%%%', iv],
      [encryptedData, '%%%'],
    ] as const) {
      const headers = { ...login, 'X-WX-Encrypted-Data': data, 'X-WX-IV': vector }
      const response = await server.send(headers)
      isRefused(t, response, 'ERR_UNTRUSTED_RAW_DATA', 400)
      t.deepEqual(kept(response), {})
    }

    t.deepEqual(store.calls(), {})
    t.is(server.wechat.exchanges, 0)
    t.is((await server.send(login)).status, 200, 'nothing of it has cost the code')
  },
)

// C4: The login said that it had succeeded, with an id that did not exist.
forEach(
  ALL,
  'ERR_STORE_UNAVAILABLE: a login that cannot be stored is none, and has no credential',
  async (t, name) => {
    for (const method of ['claim', 'create'] as const) {
      const { server, store } = await start(t, name)
      const calls = server.calls()

      store.fail(method)
      const response = await server.send(await codeLoginHeaders(server.wechat.phone('bob')))

      isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
      t.deepEqual(kept(response), {})
      t.is(server.calls(), calls, 'the handler was not called')
    }
  },
)

// C4.
for (const name of ANONYMOUS) {
  test(`anonymous: a guest’s data that cannot be stored is refused (${name})`, async (t) => {
    const { server, store } = await start(t, name)

    store.fail('create')
    const response = await server.send({}, '/put?cart=milk')

    isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
    t.deepEqual(kept(response), {})
  })
}

// C5: While Redis was down every client was told that its session was invalid: all logged in again at once.
forEach(
  ALL,
  'ERR_STORE_UNAVAILABLE: never 401 while the store is away, and no call to WeChat',
  async (t, name) => {
    const { server, alice, store } = await start(t, name)
    const { exchanges } = server.wechat

    store.isAway = true
    const answers = [
      await alice.get(),
      await alice.get('/put?one=1'),
      await alice.get('/logout'),
      await alice.get('/rotate'),
      await server.send(await codeLoginHeaders(server.wechat.phone('bob'))),
    ]
    const who = await alice.get('/who')
    store.isAway = false

    for (const response of answers) {
      t.is(response.status, 503)
      t.is(response.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
      t.is(response.get('Retry-After'), '1')
    }
    t.is(who.status, name === 'jwt' ? 200 : 503)
    t.is(server.wechat.exchanges, exchanges)
    t.is((await alice.get()).status, 200)
  },
)

// C6: With two middlewares, logins on the one were written into the store of the other.
forEach(ALL, 'memoryStore(): two middlewares in one process share nothing', async (t, name) => {
  const weixin = startWechat(t)
  const [storeA, storeB] = [countingStore(memoryStore()), countingStore(memoryStore())]
  const one = await startServer(t, { ...PATIENT, weixin, store: storeA, carrier: CARRIERS[name]() })
  const other = await startServer(t, { ...PATIENT, weixin, store: storeB, carrier: CARRIERS[name]() })
  const alice = visitor(one, weixin.phone('alice'))

  await alice.logIn()

  t.is(storeA.calls().create, 1)
  t.deepEqual(storeB.calls(), {})
  await one.send(alice.headers)
  if (name !== 'jwt') isRefused(t, await other.send(alice.headers), 'ERR_SESSION_EXPIRED', 401)
})

// C7: Data under Eve's own key that named Alice made her Alice.
forEach(
  ALL,
  'openId: it is WeChat’s answer to the exchange, whatever decrypted data says, or nobody',
  async (t, name) => {
    const { server, alice } = await start(t, name)
    const { wechat } = server
    const phone = wechat.phone('eve')
    const claims = { openId: wechat.user('alice').openId, watermark: watermarkOf(wechat.appId) }

    const login = await codeLoginHeaders(phone)
    const forged = await server.send({
      ...login,
      ...inHeaders(encrypt(claims, await sessionKeyOf(wechat, phone))),
    })
    isRefused(t, forged, 'ERR_UNTRUSTED_RAW_DATA', 401)
    t.deepEqual(kept(forged), {})

    const again = await codeLoginHeaders(phone)
    const { openId: _, ...anonymous } = claims
    const named = { ...anonymous, nickName: 'eve', unionId: 'u-victim', $wxUserInfo: {} }
    const honest = await server.send({
      ...again,
      ...inHeaders(encrypt(named, await sessionKeyOf(wechat, phone))),
    })
    t.deepEqual(honest.body.user, { appId: wechat.appId, nickName: 'eve', openId: phone.user.openId })
    t.is((await alice.get()).body.user.openId, wechat.user('alice').openId)
  },
)

// C8: Two logins had one credential for as long as the session_key was the same: it was a hash of it.
forEach(ALL, 'X-WX-Login: each login has a credential of its own, under one session_key', async (t, name) => {
  const weixin = startWechat(t, { sessionKeyMinAge: 3600_000 })
  const { server } = await start(t, name, { weixin })

  const responses = await Promise.all(
    [1, 2, 3].map(async () => server.send(await codeLoginHeaders(weixin.phone('alice')))),
  )

  const credentials = responses.map((response) => credentialOf(kept(response)))
  t.is(new Set(credentials).size, 3)
  const [first = '', second = ''] = credentials
  await server.send(asCredential(name, first), '/logout')
  isOver(t, await server.send(asCredential(name, first)), name)
  t.is((await server.send(asCredential(name, second))).status, 200)
})

// C9: Credentials were taken from the query string: they are in logs, and in the Referer.
forEach(
  ALL,
  'X-WX-Session: no credential is ever read from the query string or the body',
  async (t, name) => {
    const { server, store } = await startCounting(t, name)
    const alice = visitor(server, server.wechat.phone('alice'))
    await alice.logIn()
    const login = await codeLoginHeaders(server.wechat.phone('bob'))
    const credential = credentialOf(alice.headers)
    const fields = {
      ...login,
      'X-WX-Session': credential,
      'x-wx-session': credential,
      'X-WX-Token': credential,
      Authorization: `Bearer ${credential}`,
      Cookie: `__Host-wx-session=${credential}`,
      access_token: credential,
      token: credential,
      session: credential,
      '__Host-wx-session': credential,
      code: login['X-WX-Code'] ?? '',
    }
    const [calls, exchanges] = [store.calls(), server.wechat.exchanges]

    const query = new URLSearchParams(fields).toString()
    const responses = [
      await server.send({}, `/?${query}`),
      await supertest(server.url).post('/').send(fields),
      await supertest(server.url).post('/').type('form').send(fields),
      await supertest(server.url).post(`/login?${query}`).send(fields),
      await server.send({ Referer: `https://example.com/?${query}`, 'X-Forwarded-Uri': `/?${query}` }),
    ]

    for (const response of responses) {
      t.is(response.status, 200)
      t.is(response.body.user, null)
      t.deepEqual(kept(response), {})
    }
    t.deepEqual(store.calls(), calls)
    t.is(server.wechat.exchanges, exchanges)
  },
)

// C10: Data and iv of long ago were accepted, and data without a watermark was a TypeError.
forEach(ALL, 'watermark: a stale watermark is refused, and so is none', async (t, name) => {
  const { server } = await start(t, name)
  const { wechat } = server
  const send = async (watermark: unknown) => {
    const phone = wechat.phone()
    const login = await codeLoginHeaders(phone)
    const data = { openId: phone.user.openId, nickName: 'x', watermark }
    return server.send({ ...login, ...inHeaders(encrypt(data, await sessionKeyOf(wechat, phone))) })
  }

  for (const watermark of [
    watermarkOf(wechat.appId, -660),
    watermarkOf(wechat.appId, -86_400 * 365),
    watermarkOf(wechat.appId, 660),
    { appid: wechat.appId },
    undefined,
    null,
    'watermark',
    [],
  ]) {
    const response = await send(watermark)
    isRefused(t, response, 'ERR_UNTRUSTED_RAW_DATA', 401)
    t.deepEqual(kept(response), {})
  }
  for (const seconds of [-500, 0, 500]) t.is((await send(watermarkOf(wechat.appId, seconds))).status, 200)
})

// C11: A handler that printed its session printed the session_key.
forEach(ALL, 'session_key: handlers that print all they have print no secret', async (t, name) => {
  const printed: string[] = []
  const { server, alice } = await start(t, name, {
    handler: async (ctx) => {
      const { $wxSession: session, $wxUserInfo: user } = ctx
      await session?.load()
      const everything = {
        depth: Number.POSITIVE_INFINITY,
        showHidden: true,
        getters: true,
        maxStringLength: null,
      }
      for (const value of [session, user, { ...session }, session?.data, ctx]) {
        printed.push(inspect(value, everything), String(JSON.stringify(value)), `${value}`)
      }
      for (const one of [session?.load, session?.decrypt, session?.destroy]) printed.push(String(one))
      ctx.body = { session, user, inspected: inspect(session, everything) }
    },
  })
  const { wechat } = server
  const phone = namedPhone(wechat, 'alice')

  const responses = [
    await server.send({ ...(await loginHeaders(phone)), ...inHeaders(await userInfoOf(phone)) }),
    await alice.get(),
  ]

  const keys = wechat.secrets().filter((secret) => /^[\w+/]{22}==$/.test(secret))
  t.true(keys.length >= 2)
  t.true(keys.includes(await sessionKeyOf(wechat, phone)))
  const texts = [...printed, ...responses.map(({ text, headers }) => text + JSON.stringify(headers))].join(
    '\n',
  )
  t.regex(texts, /createdAt/)
  t.true(texts.includes(phone.user.openId))
  for (const secret of [...keys, wechat.appSecret, KEY]) {
    for (const form of [secret, Buffer.from(secret, 'base64').toString('hex'), encodeURIComponent(secret)])
      t.false(texts.includes(form))
  }
})

// C12: What a handler threw was answered as an invalid session.
forEach(ALL, 'weappSession(): a handler’s error is not about the session', async (t, name) => {
  const { alice } = await start(t, name)
  const before = alice.headers

  const response = await alice.get('/throw')

  t.is(response.status, 500)
  t.is(response.get('X-WX-Session-Error'), undefined)
  t.is(response.text, 'Internal Server Error')
  t.deepEqual(alice.headers, before)
  t.is((await alice.get()).status, 200)
})

// --- wafer2-node-sdk

// D1: 5,473 queries, each telling by its error text what was wrong, made data that named the victim.
test('decrypt(): no forgery of a ciphertext becomes a session; see open-data.test.ts', async (t) => {
  const { server } = await start(t, 'header')
  const { wechat } = server
  const phone = wechat.phone('eve')
  const login = await codeLoginHeaders(phone)
  const victim = { openId: wechat.user('alice').openId, watermark: watermarkOf(wechat.appId) }
  const perfect = encrypt(victim, await sessionKeyOf(wechat, phone))

  const response = await server.send({ ...login, ...inHeaders(perfect) })

  isRefused(t, response, 'ERR_UNTRUSTED_RAW_DATA', 401)
  t.deepEqual(kept(response), {})
})

// D2: Who changes the iv chooses the first 16 bytes of the text, without knowing the key.
test('X-WX-IV: one that rewrites the openId in the first block makes no login of it', async (t) => {
  const { server } = await start(t, 'header')
  const phone = namedPhone(server.wechat, 'eve')
  const login = await codeLoginHeaders(phone)
  const { encryptedData, iv } = await userInfoOf(phone)
  const bytes = Buffer.from(iv, 'base64')
  bytes[12] = (bytes[12] as number) ^ 1

  const forged = await server.send({
    ...login,
    ...inHeaders({ encryptedData, iv: bytes.toString('base64') }),
  })

  isRefused(t, forged, 'ERR_UNTRUSTED_RAW_DATA', 401)
})

// D3: Whoever learnt a session_key had the login: the credential was its hash, without any secret of the server.
forEach(ALL, 'session_key: it is worth nothing as a credential, hashed or not', async (t, name) => {
  const { server, alice } = await start(t, name)
  const key = await sessionKeyOf(server.wechat, server.wechat.phone('alice'))
  const credential = credentialOf(alice.headers)
  const [id = ''] = credential.split('.')

  for (const guess of [
    key,
    createHmac('sha1', '').update(key).digest('hex'),
    `${id}.${createHmac('sha256', key).update(`x-wx-session=${id}`).digest('base64url')}`,
    `${id}.${createHmac('sha256', Buffer.from(key, 'base64')).update(`__Host-wx-session=${id}`).digest('base64url')}`,
  ]) {
    const response = await server.send(asCredential(name, guess))
    // No token at all, or a cookie that is taken back: nobody. Else it is refused.
    t.true([400, 401].includes(response.status) || response.body.user === null, guess)
  }
})

// D4: An expired session went on to the handler, marked by a field that it had to look at.
forEach(ALL, 'ERR_SESSION_EXPIRED: a session that is over never reaches the handler', async (t, name) => {
  const { server, alice } = await start(t, name)
  const { headers } = alice
  await alice.get('/logout')
  const calls = server.calls()

  isOver(t, await server.send(headers), name)
  isOver(t, await server.send(headers, '/who'), name)
  for (const junk of ['x', '.', `${'A'.repeat(43)}.${'A'.repeat(43)}`]) {
    const response = await server.send(asCredential(name, junk))
    // What is no token of ours is nobody's.
    if (name === 'jwt') t.is(response.body.user, null)
    else isOver(t, response, name)
  }

  if (name !== 'jwt' && name !== 'cookie, anonymous') t.is(server.calls(), calls)
})

// D5: A first login by code alone was a TypeError.
forEach(
  ALL,
  'X-WX-Login: a login by the code alone is a login like any other, for a new user too',
  async (t, name) => {
    const { server } = await start(t, name)

    const login = await server.send(await codeLoginHeaders(server.wechat.phone('carol')))

    t.deepEqual(login.body.user, { appId: server.wechat.appId, openId: server.wechat.user('carol').openId })
    t.deepEqual((await server.send(kept(login))).body.user, login.body.user)
  },
)

// D6: Encrypted data without a code was sent to WeChat with `js_code=undefined`.
forEach(
  ALL,
  'X-WX-Login: a login without a code is refused, or is none, and WeChat is not asked',
  async (t, name) => {
    const { server } = await startCounting(t, name)
    const phone = namedPhone(server.wechat, 'alice')
    const { 'X-WX-Code': _, ...rest } = await loginHeaders(phone)
    const encrypted = inHeaders(await userInfoOf(phone))

    const answers = [
      await server.send(encrypted),
      await server.send({ ...rest, ...encrypted }),
      await server.send({ ...rest, ...encrypted, 'X-WX-Login': 'code' }),
      await server.send({ 'X-WX-Code': '', 'X-WX-Login': 'code' }),
      await server.send({ 'X-WX-Code': 'a,b', 'X-WX-Login': 'code' }),
    ]

    t.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 400, 400, 400],
    )
    for (const response of answers) t.falsy(response.body.user)
    t.is(server.wechat.calls.length, 0)
  },
)

// D7: With DEBUG set the configuration and session_keys were printed; errors carried the request's secret.
test.serial('WeappSessionError: neither warnings nor errors hold a secret', async (t) => {
  const said: string[] = []
  const note = (warning: Error) => void said.push(inspect(warning, { depth: 9, showHidden: true }))
  process.on('warning', note)
  t.teardown(() => process.off('warning', note))
  for (const name of ALL) {
    const { server, alice, store } = await start(t, name)
    server.app.on('error', (error: Error) => said.push(inspect(error, { depth: 9, showHidden: true })))
    const { wechat } = server
    store.isAway = true
    await alice.get('/put?one=1')
    await server.send(await codeLoginHeaders(wechat.phone()))
    store.isAway = false
    for (const fault of [
      { errcode: 40013 },
      { errcode: 40029 },
      { status: 500, body: 'x' },
      { status: 200, body: 'no JSON' },
      'lost',
    ] as const) {
      wechat.fail(fault)
      await server.send(await loginHeaders(namedPhone(wechat, 'bob')))
    }
    await new Promise(setImmediate)

    t.true(said.length > 3)
    const text = said.join('\n')
    for (const secret of [...wechat.secrets(), KEY, credentialOf(alice.headers)])
      t.false(text.includes(secret))
  }
})

// D8: The text of an error was WeChat's answer, or that of a JavaScript error.
forEach(
  ALL,
  'WeappSessionError: it says what we say, whatever was thrown or answered underneath',
  async (t, name) => {
    const { server, alice, store } = await start(t, name)

    store.fail('update', 'ECONNREFUSED 10.0.0.7:6379 secret-host')
    const away = await alice.get('/put?one=1')
    server.wechat.fail({ errcode: 40029, errmsg: 'secret-host rid: 1-2-3' })
    const refused = await server.send(await codeLoginHeaders(server.wechat.phone()))
    server.wechat.fail({ status: 502, body: '<html>secret-host</html>' })
    const broken = await server.send(await codeLoginHeaders(server.wechat.phone()))

    t.deepEqual([away.status, refused.status, broken.status], [503, 401, 502])
    for (const { text, headers } of [away, refused, broken])
      t.notRegex(text + JSON.stringify(headers), /secret-host|10\.0\.0\.7|ECONN|html|rid/)
  },
)

// D10: One row for each openId, with the session_key in clear.
forEach(ALL, 'session_key: the store holds neither keys nor live credentials in clear', async (t, name) => {
  const { options, entries } = redis()
  const { server, alice } = await start(t, name, { store: redisStore(options) })
  await server.send(await loginHeaders(namedPhone(server.wechat, 'bob')))
  if (name.endsWith('anonymous')) await server.send({}, '/put?cart=milk')

  const stored = JSON.stringify(await entries())

  t.true(stored.includes(server.wechat.user('alice').openId), 'the record itself is there')
  for (const secret of server.wechat.secrets()) t.false(stored.includes(secret))
  const credential = credentialOf(alice.headers)
  for (const part of credential.split('.')) t.false(stored.includes(part))
  if (name === 'jwt') {
    const { jti } = JSON.parse(Buffer.from(credential.split('.')[1] ?? '', 'base64url').toString())
    t.false(stored.includes(jti))
  }
})
