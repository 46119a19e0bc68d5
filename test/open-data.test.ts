/**
 * What WeChat encrypts for a user, and what an attacker makes of it: AES-128-CBC has no integrity, so whoever can
 * tell one failure from another, or may fail as often as they like, writes data of their own.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import type { Response } from 'supertest'
import type { Phone, Wechat } from '../simulator/src/index.js'
import { encrypt } from '../simulator/src/user-info.js'
import { memoryStore, redisStore } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { answer, isRefused, startServer, type TestServer, type TestServerOptions } from './support/server.js'
import { sessionKeyOf, userInfoOf } from './support/session-key.js'
import { until } from './support/until.js'
import { CARRIERS, type CarrierName, type Visitor, visitor } from './support/visitor.js'
import { codeLoginHeaders, codeOnly, namedPhone, newCode, startWechat } from './support/wechat.js'

const redis = useRedis(test)

interface Encrypted {
  encryptedData: string
  iv: string
}

/** The machine is busy with other tests: ms for an exchange. */
const PATIENT = { wechat: { timeout: 30_000 } }

/** Failures after which nothing opens any more. */
const CAP = 10

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  test(`decrypt(), ${carrier}: it opens what WeChat has encrypted for this user`, async (t) => {
    const { server, alice, phone } = await start(t, { carrier: CARRIERS[carrier]() })

    const response = await open(alice, await userInfoOf(phone))

    t.is(response.status, 200)
    t.is(response.body.openId, phone.user.openId)
    t.is(response.body.nickName, 'alice')
    t.is(response.body.watermark.appid, server.wechat.appId)
  })

  test(`decrypt(), ${carrier}: after ten failures nothing opens any more in this session`, async (t) => {
    const { server, alice, phone } = await start(t, { carrier: CARRIERS[carrier]() })
    const good = await userInfoOf(phone)
    await fail(t, alice, CAP - 1)
    t.is((await open(alice, good)).status, 200, 'one is left')

    await fail(t, alice, 1)

    const wrong = await open(alice, junk())
    t.deepEqual(seenOf(await open(alice, good)), seenOf(wrong))
    t.is(wrong.get('X-WX-Session-Error'), 'ERR_UNTRUSTED_RAW_DATA')
    t.is((await alice.get('/who')).body.user.openId, phone.user.openId, 'the session itself goes on')

    const other = visitor(server, phone)
    await other.logIn()
    t.is((await open(other, await userInfoOf(phone))).status, 200, 'and a new login brings new attempts')
  })
}

test('X-WX-Encrypted-Data: at login it opens, and brings the profile', async (t) => {
  const server = await startServer(t)
  const phone = namedPhone(server.wechat, 'alice')

  const response = await server.send(await encryptedLogin(phone))

  t.is(response.status, 200)
  t.deepEqual([response.body.user.openId, response.body.user.nickName], [phone.user.openId, 'alice'])
})

test('decrypt(): data under the key of another session of the user opens: an older one, and a newer one', async (t) => {
  const { server, alice: phone, phone: one } = await start(t)
  const before = await userInfoOf(one)
  const tablet = visitor(server, namedPhone(server.wechat, 'alice'))
  await tablet.logIn()
  const after = await userInfoOf(one)

  t.not(before.signature, after.signature, 'a login has changed the key')
  t.is((await open(tablet, before)).status, 200, 'encrypted before the login of the tablet')
  t.is((await open(phone, after)).status, 200, 'encrypted after it')
})

test('decrypt(): data under the key of a session that has ended does not open', async (t) => {
  const { server, alice: phone, phone: one } = await start(t)
  const before = await userInfoOf(one)
  const tablet = visitor(server, one)
  await tablet.logIn()
  t.is((await open(tablet, before)).status, 200)

  await phone.get('/logout')

  isUntrusted(t, await open(tablet, before))
})

test('decrypt(): data of another user does not open, whoever of the two logged in first', async (t) => {
  const { server, alice, phone } = await start(t)
  const bobs = namedPhone(server.wechat, 'bob')
  const bob = visitor(server, bobs)
  await bob.logIn()

  isUntrusted(t, await open(alice, await userInfoOf(bobs)))
  isUntrusted(t, await open(bob, await userInfoOf(phone)))
})

// src/session/open-data.ts counts a failure before it tries the keys of the other sessions, and never takes it back.
test('decrypt(): data that opens costs no attempt, under the key of another session too', async (t) => {
  const { server, alice: phone, phone: one } = await start(t)
  await visitor(server, one).logIn()
  const after = await userInfoOf(one)

  for (let n = 0; n <= CAP; n++) t.is((await open(phone, after)).status, 200, `time ${n + 1}`)
})

test('decrypt(): every failure is one and the same answer: status, headers, body', async (t) => {
  const server = await startServer(t, { handler: serve, ...PATIENT })
  const { wechat } = server
  const other = startWechat(t)

  const answers = new Set<string>()
  for (const [what, spoil] of Object.entries(FAILURES)) {
    const phone = namedPhone(wechat, `user of ${what}`)
    const alice = visitor(server, phone)
    await alice.logIn()
    const key = await sessionKeyOf(wechat, phone)
    const good = { openId: phone.user.openId, watermark: watermarkOf(wechat) }
    t.is((await open(alice, encrypt(good, key))).status, 200, 'what is not spoilt opens')

    const response = await open(alice, spoil({ good, key, foreignAppId: other.appId }))

    t.is(response.status, 400, what)
    answers.add(seenOf(response))
  }

  t.is(answers.size, 1, [...answers].join('\n'))
})

test('X-WX-Encrypted-Data: every failure at login is one and the same answer', async (t) => {
  const server = await startServer(t, { handler: serve, ...PATIENT })
  const { wechat } = server
  const other = startWechat(t)

  const answers = new Set<string>()
  for (const [what, spoil] of Object.entries(FAILURES)) {
    const phone = namedPhone(wechat, `user of ${what}`)
    const login = await codeLoginHeaders(phone)
    const key = await sessionKeyOf(wechat, phone)
    const good = { openId: phone.user.openId, watermark: watermarkOf(wechat) }

    const response = await server.send({
      ...login,
      ...inHeaders(spoil({ good, key, foreignAppId: other.appId })),
    })

    isRefused(t, response, 'ERR_UNTRUSTED_RAW_DATA', 401)
    answers.add(seenOf(response))
  }

  t.is(answers.size, 1, [...answers].join('\n'))
})

test('decrypt(): data that is no ciphertext fails as all else does, and is no error of the server', async (t) => {
  const given: { data?: unknown } = {}
  const { send, wechat } = await startServer(t, {
    handler: async (ctx) => {
      ctx.body = await ctx.$wxSession?.decrypt(given.data as Encrypted)
    },
  })

  const answers = new Set<string>()
  for (const data of [
    undefined,
    null,
    'text',
    {},
    { encryptedData: 7, iv: [] },
    { encryptedData: {}, iv: null },
  ]) {
    given.data = data
    const response = await send(await codeLoginHeaders(wechat.phone()))
    t.is(response.status, 400, JSON.stringify(data))
    answers.add(seenOf(response))
  }

  t.is(answers.size, 1)
})

test('decrypt(): another openId, another mini program, an hour ago: refused, and the identity never changes', async (t) => {
  const { server, alice, phone } = await start(t)
  const { wechat } = server
  const bob = wechat.phone('bob')
  const key = await sessionKeyOf(wechat, phone)
  const watermark = watermarkOf(wechat)
  const { openId } = phone.user

  for (const data of [
    { openId: bob.user.openId, watermark },
    { openId, watermark: { ...watermark, appid: 'wx0000000000000000' } },
    { openId, watermark: watermarkOf(wechat, -660) },
    { openId, watermark: watermarkOf(wechat, -3600) },
    { openId, watermark: watermarkOf(wechat, 660) },
  ]) {
    isUntrusted(t, await open(alice, encrypt(data, key)))
    const login = { ...(await codeLoginHeaders(phone)) }
    const forged = encrypt(data, await sessionKeyOf(wechat, phone))
    isRefused(t, await server.send({ ...login, ...inHeaders(forged) }), 'ERR_UNTRUSTED_RAW_DATA', 401)
  }
  for (const seconds of [-500, 500]) {
    t.is(
      (await open(alice, encrypt({ openId, watermark: watermarkOf(wechat, seconds) }, key))).status,
      200,
      'WeChat’s clock and ours need not agree',
    )
  }

  t.is((await alice.get('/who')).body.user.openId, openId)
})

test('decrypt(): the data does not change the user', async (t) => {
  const { server, alice, phone } = await start(t)
  const key = await sessionKeyOf(server.wechat, phone)
  const claims = {
    unionId: 'u-victim',
    nickName: 'admin',
    isAdmin: true,
    watermark: watermarkOf(server.wechat),
  }
  const { user } = (await alice.get('/who')).body

  const opened = await open(alice, encrypt(claims, key))

  t.is(opened.body.unionId, 'u-victim', 'it did open')
  t.deepEqual((await alice.get('/open-and-who', asked(encrypt(claims, key)))).body.user, user)
  t.deepEqual((await alice.get('/who')).body.user, user)

  const login = await codeLoginHeaders(phone)
  const again = encrypt(claims, await sessionKeyOf(server.wechat, phone))
  const { body } = await server.send({ ...login, ...inHeaders(again) }, '/who')
  t.deepEqual(
    body.user,
    { appId: server.wechat.appId, nickName: 'admin', openId: phone.user.openId },
    'a profile is what it can bring',
  )
})

test('X-WX-IV: the first block rewritten through the iv: it names nobody else', async (t) => {
  const { server, alice, phone } = await start(t)
  const good = await userInfoOf(phone)
  const { openId } = phone.user
  const victim = `${openId.slice(0, 5)}`.replace(/./g, (letter) => (letter === 'x' ? 'y' : 'x'))

  // {"openId":"oABCD…: sixteen bytes that the attacker knows, and so may choose.
  const forged = rewriteFirstBlock(good, `{"openId":"${openId.slice(0, 5)}`, `{"openId":"${victim}`)
  const renamed = rewriteFirstBlock(good, '{"openId":', '{"openIx":')

  isUntrusted(t, await open(alice, forged))
  const { status, body } = await open(alice, renamed)
  t.is(status, 200, 'the attacker has rewritten their own data, as CBC lets them')
  t.is(body.openId, undefined)
  t.is((await alice.get('/open-and-who', asked(renamed))).body.user.openId, openId)
  t.is((await server.send(alice.headers, '/who')).body.user.openId, openId)
})

test('decrypt(): a thousand attempts at once are a thousand one by one: ten of them are made', async (t) => {
  const given: { attempts: Encrypted[] } = { attempts: [] }
  const { server, alice, phone } = await start(t, {
    handler: async (ctx) => {
      const outcomes = given.attempts.map((data) =>
        ctx.$wxSession?.decrypt(data).then(
          () => true,
          () => false,
        ),
      )
      ctx.body = { opened: (await Promise.all(outcomes)).filter(Boolean).length }
    },
  })
  const good = await userInfoOf(phone)

  // Each that is wrong is followed by one that is right: as many of those open as were asked for before the cap.
  given.attempts = Array.from({ length: 1000 }, (_, n) => (n % 2 ? good : junk()))
  t.is((await alice.get()).body.opened, CAP - 1)
  given.attempts = [good]
  t.is((await alice.get()).body.opened, 0)
  t.is((await server.send(alice.headers)).body.opened, 0)
})

test('decrypt(): a thousand requests at once: afterwards nothing opens', async (t) => {
  const { alice, phone } = await start(t)
  const good = await userInfoOf(phone)

  const responses = await Promise.all(Array.from({ length: 1000 }, () => open(alice, junk())))

  t.is(new Set(responses.map(seenOf)).size, 1)
  isUntrusted(t, await open(alice, good))
})

test('decrypt(): failures count in every process', async (t) => {
  const { options } = redis()
  const wechat = startWechat(t)
  for (const makeStore of [
    (
      (store) => () =>
        store
    )(memoryStore()),
    () => redisStore(options),
  ]) {
    const { server: one, alice, phone } = await start(t, { weixin: wechat, store: makeStore() })
    const other = await startServer(t, { weixin: wechat, store: makeStore(), handler: serve })
    const elsewhere: Visitor = { ...visitor(other, phone), headers: alice.headers }
    const here = (data: Encrypted) => one.send({ ...alice.headers, ...asked(data) }, '/open')
    const there = (data: Encrypted) => other.send({ ...elsewhere.headers, ...asked(data) }, '/open')
    const good = await userInfoOf(phone)

    for (let n = 0; n < 5; n++) isUntrusted(t, await here(junk()))
    for (let n = 0; n < 4; n++) isUntrusted(t, await there(junk()))
    t.deepEqual(
      [(await here(good)).status, (await there(good)).status],
      [200, 200],
      'nine of them are allowed',
    )
    isUntrusted(t, await there(junk()))

    isUntrusted(t, await here(good))
    isUntrusted(t, await there(good))
  }
})

test('decrypt(): parallel failures in several processes count in all of them', async (t) => {
  const { options } = redis()
  const { server, alice, phone } = await start(t, { store: redisStore(options) })
  const { wechat: weixin } = server
  const others = await Promise.all(
    [1, 2].map(() => startServer(t, { weixin, store: redisStore(options), handler: serve })),
  )
  const late = await startServer(t, { weixin, store: redisStore(options), handler: serve })
  const good = asked(await userInfoOf(phone))

  await Promise.all(
    Array.from({ length: 60 }, (_, n) =>
      [server, ...others][n % 3]?.send({ ...alice.headers, ...asked(junk()) }, '/open'),
    ),
  )

  for (const one of [server, ...others, late])
    isUntrusted(t, await one.send({ ...alice.headers, ...good }, '/open'))
})

test('rotate(): another credential brings no new attempts', async (t) => {
  const { alice, phone } = await start(t, { carrier: CARRIERS.header() })
  const good = await userInfoOf(phone)

  await fail(t, alice, CAP)
  await alice.get('/rotate')

  isUntrusted(t, await open(alice, good))
})

test('rotate(): another credential brings no new attempts, where each of them changes it', async (t) => {
  const { alice, phone } = await start(t, { carrier: CARRIERS.header() })
  const good = await userInfoOf(phone)

  for (let n = 0; n < CAP; n++) await alice.get('/fail-and-rotate', asked(junk()))

  isUntrusted(t, await open(alice, good))
})

test('decrypt(): the failures of a repeated login count as those of decrypt() do', async (t) => {
  const server = await startServer(t, { handler: serve, ...PATIENT })
  const phone = namedPhone(server.wechat, 'alice')
  const login = await codeLoginHeaders(phone)
  await server.send(login)
  const good = await userInfoOf(phone)
  t.is((await server.send({ ...login, ...inHeaders(good) })).status, 200)

  for (let n = 0; n < CAP; n++)
    isRefused(t, await server.send({ ...login, ...inHeaders(junk()) }), 'ERR_UNTRUSTED_RAW_DATA', 401)

  isRefused(t, await server.send({ ...login, ...inHeaders(good) }), 'ERR_UNTRUSTED_RAW_DATA', 401)
  isUntrusted(t, await server.send({ ...codeOnly(login), ...asked(good) }, '/open'))
  t.is((await server.send(login)).status, 200, 'the login itself can still be repeated')
})

// Logins that share an exchange are verified by login.ts itself, which counts nothing: all hundred are attempts.
test('X-WX-Encrypted-Data: logins at once with one code have ten attempts together', async (t) => {
  const weixin = startWechat(t)
  let areThere = false
  let arrived = 0
  const server = await startServer(t, {
    weixin,
    // Answers when all of them are there.
    wechat: {
      ...PATIENT.wechat,
      fetch: async (...args) => {
        await until(() => areThere)
        return weixin.fetch(...args)
      },
    },
    // The first who is asked about each request.
    ignore: () => {
      arrived++
      return false
    },
    handler: serve,
  })
  const phone = namedPhone(weixin, 'alice')
  const login = await codeLoginHeaders(phone)
  const good = await userInfoOf(phone)

  const wrong = Array.from({ length: 100 }, () => server.send({ ...login, ...inHeaders(junk()) }))
  await until(() => arrived === 100)
  const right = server.send({ ...login, ...inHeaders(good) })
  await until(() => arrived === 101)
  areThere = true

  for (const response of await Promise.all([...wrong, right]))
    isRefused(t, response, 'ERR_UNTRUSTED_RAW_DATA', 401)
})

test('decrypt(): a padding oracle, in a server that has one: the attack finds the last byte', async (t) => {
  const key = randomBytes(16)
  const secret = encryptText('{"openId":"o-alice","coins":100}', key)

  const { byte, answers } = await attackLastByte(secret, async ({ encryptedData, iv }) => {
    const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(iv, 'base64'))
    try {
      decipher.update(encryptedData, 'base64')
      decipher.final()
      return 'not JSON'
    } catch {
      return 'bad decrypt'
    }
  })

  t.true(answers > 1)
  // 32 bytes of text are padded with a whole block of sixteens.
  t.is(byte, 16)
})

test('decrypt(): a padding oracle, through decrypt(): one answer to all 256 guesses, and then nothing opens', async (t) => {
  const { alice, phone } = await start(t)
  const good = await userInfoOf(phone)

  const { byte, answers } = await attackLastByte(good, async (guess) => seenOf(await open(alice, guess)))

  t.deepEqual({ byte, answers }, { byte: undefined, answers: 1 })
  isUntrusted(t, await open(alice, good))
})

test('decrypt(): a padding oracle, with a fresh session for every guess: still one answer', async (t) => {
  const weixin = startWechat(t, { sessionKeyMinAge: 3600_000 })
  const { server, phone } = await start(t, { weixin, carrier: CARRIERS.header() })
  const good = await userInfoOf(phone)

  const { byte, answers } = await attackLastByte(good, async (guess) => {
    const alice = visitor(server, phone)
    allowance(weixin)
    t.is((await alice.logIn()).status, 200)
    return seenOf(await open(alice, guess))
  })

  t.deepEqual({ byte, answers }, { byte: undefined, answers: 1 })
})

test('X-WX-Encrypted-Data: a padding oracle, through the headers of a login, under one key: one answer to all 256 guesses', async (t) => {
  const weixin = startWechat(t, { sessionKeyMinAge: 3600_000 })
  const { server, phone } = await start(t, { weixin })
  const good = await userInfoOf(phone)
  const logIn = async (data: Encrypted) => {
    allowance(weixin)
    return server.send({ ...(await codeLoginHeaders(phone)), ...inHeaders(data) }, '/who')
  }

  const { byte, answers } = await attackLastByte(good, async (guess) => seenOf(await logIn(guess)))

  t.deepEqual({ byte, answers }, { byte: undefined, answers: 1 })
  t.is((await logIn(good)).status, 200, 'the key was the same all the time')
})

test('X-WX-Encrypted-Data: a padding oracle, through repetitions of one login: one answer, and then nothing opens', async (t) => {
  const server = await startServer(t, { handler: serve, ...PATIENT })
  const phone = namedPhone(server.wechat, 'alice')
  const login = await codeLoginHeaders(phone)
  await server.send(login)
  const good = await userInfoOf(phone)
  const repeat = (data: Encrypted) => server.send({ ...login, ...inHeaders(data) })

  const { byte, answers } = await attackLastByte(good, async (guess) => seenOf(await repeat(guess)))

  t.deepEqual({ byte, answers }, { byte: undefined, answers: 1 })
  isRefused(t, await repeat(good), 'ERR_UNTRUSTED_RAW_DATA', 401)
})

/** Ways in which encrypted data can be wrong, each one change away from what opens. */
const FAILURES: Record<string, (of: Spoilt) => Encrypted> = {
  'another key': ({ good }) => encrypt(good, randomBytes(16).toString('base64')),
  'bad padding': ({ good, key }) => {
    const { encryptedData, iv } = encrypt(good, key)
    const bytes = Buffer.from(encryptedData, 'base64')
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    return { encryptedData: bytes.toString('base64'), iv }
  },
  'a block less': ({ good, key }) => {
    const { encryptedData, iv } = encrypt(good, key)
    return { encryptedData: Buffer.from(encryptedData, 'base64').subarray(0, -16).toString('base64'), iv }
  },
  'another iv': ({ good, key }) => ({ ...encrypt(good, key), iv: randomBytes(16).toString('base64') }),
  'no JSON': ({ key }) => encryptText('no JSON', Buffer.from(key, 'base64')),
  'no object': ({ key }) => encryptText('"text"', Buffer.from(key, 'base64')),
  nothing: ({ key }) => encryptText('', Buffer.from(key, 'base64')),
  'no watermark': ({ good: { watermark: _, ...rest }, key }) => encrypt(rest, key),
  'no timestamp': ({ good, key }) => encrypt({ ...good, watermark: { appid: good.watermark.appid } }, key),
  'another mini program': ({ good, key, foreignAppId }) =>
    encrypt({ ...good, watermark: { ...good.watermark, appid: foreignAppId } }, key),
  'another user': ({ good, key }) => encrypt({ ...good, openId: 'o-victim' }, key),
  'no openId that could be one': ({ good, key }) => encrypt({ ...good, openId: { $ne: '' } }, key),
  'too old': ({ good, key }) =>
    encrypt({ ...good, watermark: { ...good.watermark, timestamp: good.watermark.timestamp - 660 } }, key),
}

interface Spoilt {
  good: { openId: string; watermark: ReturnType<typeof watermarkOf> }
  key: string
  foreignAppId: string
}

/** A server whose handler opens what it is sent, and somebody who has logged in there. */
async function start(
  t: ExecutionContext,
  options: TestServerOptions = {},
): Promise<{ server: TestServer; alice: Visitor; phone: Phone }> {
  const server = await startServer(t, { handler: serve, ...PATIENT, ...options })
  const phone = namedPhone(server.wechat, 'alice')
  const alice = visitor(server, phone)
  t.is((await alice.logIn()).status, 200)
  return { server, alice, phone }
}

async function serve(ctx: Context): Promise<void> {
  const { path, $wxSession: session } = ctx
  const encrypted = { encryptedData: ctx.get('Test-Data'), iv: ctx.get('Test-IV') }
  if (path === '/open') {
    ctx.body = await session?.decrypt(encrypted)
    return
  }
  if (path === '/open-and-who') await session?.decrypt(encrypted)
  if (path === '/fail-and-rotate') await session?.decrypt(encrypted).catch(() => {})
  if (path.endsWith('rotate')) await session?.rotate()
  if (path === '/logout') await session?.destroy()
  if (path === '/' && session) answer(ctx)
  else ctx.body = { user: ctx.$wxUserInfo }
}

function open(who: Visitor, data: Encrypted): Promise<Response> {
  return who.get('/open', asked(data))
}

/** The handler's own headers. */
function asked({ encryptedData, iv }: Encrypted): Record<string, string> {
  return { 'Test-Data': encryptedData, 'Test-IV': iv }
}

/** Those of a login. */
function inHeaders({ encryptedData, iv }: Encrypted): Record<string, string> {
  return { 'X-WX-Encrypted-Data': encryptedData, 'X-WX-IV': iv }
}

async function encryptedLogin(phone: Phone): Promise<Record<string, string>> {
  const code = await newCode(phone)
  return { 'X-WX-Code': code, 'X-WX-Login': 'code', ...inHeaders(await userInfoOf(phone)) }
}

async function fail(t: ExecutionContext, who: Visitor, times: number): Promise<void> {
  for (let n = 0; n < times; n++) isUntrusted(t, await open(who, junk()))
}

/** Asserts that a handler's decrypt() has failed, and that Koa has answered for it: by no 401, see in-handler.ts. */
function isUntrusted(t: ExecutionContext, response: Response): void {
  t.is(response.status, 400)
  t.is(response.get('X-WX-Session-Error'), 'ERR_UNTRUSTED_RAW_DATA')
  t.is(response.get('Cache-Control'), 'no-store')
}

/** WeChat lets a user log in a hundred times a minute: an attacker waits for the next. */
function allowance(wechat: Wechat): void {
  if (wechat.exchanges % 90 === 89) wechat.clock.advance(61_000)
}

/** What there is to tell two answers apart by, beside the time. */
function seenOf({ status, headers, text }: Response): string {
  const { date: _, connection: __, 'keep-alive': ___, ...rest } = headers
  return JSON.stringify({ status, rest, text })
}

function watermarkOf({ appId }: Wechat, seconds = 0): { timestamp: number; appid: string } {
  return { timestamp: Math.floor(Date.now() / 1000) + seconds, appid: appId }
}

/** What no key opens. */
function junk(): Encrypted {
  return { encryptedData: randomBytes(64).toString('base64'), iv: randomBytes(16).toString('base64') }
}

function encryptText(text: string, key: Uint8Array): Encrypted {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', key, iv)
  const encryptedData = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return { encryptedData: encryptedData.toString('base64'), iv: iv.toString('base64') }
}

/** CBC: what is changed in the iv changes in the first block of the text, bit by bit. */
function rewriteFirstBlock({ encryptedData, iv }: Encrypted, known: string, wanted: string): Encrypted {
  const bytes = Buffer.from(iv, 'base64')
  for (let n = 0; n < known.length; n++)
    bytes[n] = (bytes[n] as number) ^ known.charCodeAt(n) ^ wanted.charCodeAt(n)
  return { encryptedData, iv: bytes.toString('base64') }
}

/**
 * Vaudenay's attack (2002), for the last byte of the last block: that block alone, after an iv whose last byte is
 * guessed. Where a padding of one byte, 01, is answered differently from all others, the guess is right, and says
 * what the byte was.
 */
async function attackLastByte(
  { encryptedData }: Encrypted,
  ask: (guess: Encrypted) => Promise<string>,
): Promise<{ byte: number | undefined; answers: number }> {
  const blocks = Buffer.from(encryptedData, 'base64')
  const [before, last] = [blocks.subarray(-32, -16), blocks.subarray(-16)]
  const said = new Map<string, number[]>()
  for (let guess = 0; guess < 256; guess++) {
    // All other bytes are changed too, so that no longer padding fits.
    const iv = Buffer.from(before.map((byte) => byte ^ 0x80))
    iv[15] = guess
    const heard = await ask({ encryptedData: last.toString('base64'), iv: iv.toString('base64') })
    said.set(heard, [...(said.get(heard) ?? []), guess])
  }
  const [rare = []] = [...said.values()].sort((a, b) => a.length - b.length)
  const [guess] = said.size > 1 && rare.length === 1 ? rare : []
  const byte = guess === undefined ? undefined : guess ^ 1 ^ (before[15] as number)
  return { byte, answers: said.size }
}
