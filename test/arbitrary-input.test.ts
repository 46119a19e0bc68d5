/**
 * Whatever comes in from outside: JSON of any shape, and what body parsers and other middleware can make of it (objects with a
 * `toString` of their own, getters that throw, proxies), at every function that takes something from a request or from a
 * database. Each answers at once, never with a 5xx, and nothing of it counts as an attempt to open something.
 *
 *   WEAPP_SEED   which ones; a failure says its seed
 */
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import Koa, { type Context } from 'koa'
import supertest from 'supertest'
import type { SessionCarrier } from '../src/carriers/carrier.js'
import {
  redisStore,
  type SessionRecord,
  WeappSessionError,
  WechatApiError,
  type WxSession,
} from '../src/index.js'
import { fromExpressStore } from '../src/stores/express/index.js'
import { parseSession, printSession } from '../src/stores/redis/codec.js'
import { createWireReader } from '../src/wire.js'
import { useRedis } from './support/redis.js'
import { listen, startServer } from './support/server.js'
import { userInfoOf } from './support/session-key.js'
import { CARRIERS, type CarrierName } from './support/visitor.js'
import { codeLoginHeaders, codeOnly, namedPhone, newCode } from './support/wechat.js'

const redis = useRedis(test)

const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)

/** ms for each door, however slow the machine is: what has been tried by then has held. */
const TIME = 700

/** ms that a call may take of the only thread there is. */
const AT_ONCE = 20

const BIG = 'x'.repeat(10_000_000)

/** Deep enough to overflow the stack of whoever walks through it. */
const DEEP: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)

/** What attackers have sent, or could. */
const HOSTILE: unknown[] = [
  { length: 50_000_000 },
  { length: 2 ** 53 },
  { length: -1, 0: 'a' },
  { toString: 1 },
  { toString: () => BIG, valueOf: () => BIG },
  {
    toString() {
      throw new Error('toString')
    },
  },
  { [Symbol.toPrimitive]: () => 'AAAA' },
  DEEP,
  { a: DEEP },
  BIG,
  'A'.repeat(10_000_000),
  `${'A'.repeat(65_537)}=`,
  Array.from({ length: 100_000 }, () => 'A'),
  ['AAAA'],
  [[['AAAA']]],
  new String('AAAA'),
  Buffer.alloc(1000),
  new Uint8Array(16),
  new Proxy(
    {},
    {
      get() {
        throw new Error('a trap')
      },
    },
  ),
  Symbol('AAAA'),
  10n ** 30n,
  Number.NaN,
  () => 'AAAA',
  null,
  undefined,
  '',
  '\0',
  '\ud800',
  true,
]

const anything = () =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
    {
      weight: 1,
      arbitrary: fc.anything({ withNullPrototype: true, withBigInt: true, withTypedArray: true }),
    },
    { weight: 1, arbitrary: fc.base64String({ maxLength: 200 }) },
    { weight: 1, arbitrary: fc.string() },
  )

const FIELDS = ['code', 'rawData', 'signature', 'encryptedData', 'iv'] as const

/** An object with some of our fields, each of them anything; some behind a getter. */
const anyFields = () =>
  fc.oneof(
    { weight: 1, arbitrary: anything() },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.record(Object.fromEntries(FIELDS.map((name) => [name, anything()])), { requiredKeys: [] }),
          fc.boolean(),
        )
        .map(([fields, isThrowing]) => (isThrowing ? behindGetters(fields) : fields)),
    },
  )

/** Everything hostile, in each field of what would be a login, or encrypted data, without it. */
function inEachField(): object[] {
  const good = { code: 'c', encryptedData: 'A'.repeat(64), iv: 'AAAA' }
  return HOSTILE.flatMap((value) => FIELDS.map((name) => ({ ...good, [name]: value })))
}

/** Each field is something else at each look, and fails at the third. */
function behindGetters(fields: object): object {
  const trap = {}
  for (const [name, value] of Object.entries(fields)) {
    let looks = 0
    Object.defineProperty(trap, name, {
      enumerable: true,
      get() {
        if (++looks > 2) throw new Error('a getter')
        return looks === 1 ? 'AAAA' : value
      },
    })
  }
  return trap
}

test.serial('decrypt(): whatever it is given, one refusal, at once, and none of the ten tries', async (t) => {
  const { wechat, send } = await startServer(t, { handler: attack })
  const phone = namedPhone(wechat, 'alice')
  let good: unknown

  async function attack({ $wxSession: session }: Context): Promise<void> {
    if (!session) throw new Error('no session')
    good = await userInfoOf(phone)
    await holds(
      anyFields(),
      async (given) => {
        const error = await refusalOf(t, () => session.decrypt(given as never))
        t.deepEqual([error.reason, error.status], ['ERR_UNTRUSTED_RAW_DATA', 400])
      },
      inEachField(),
    )
    t.is((await session.decrypt(good as never)).nickName, 'alice')
  }

  t.is(
    (await send(await codeLoginHeaders(phone))).status,
    404,
    'the handler has answered nothing, and not failed',
  )
})

test.serial(
  'getPhoneNumber(): whatever code a session or WeChat is asked with, none is sent, and it is said at once',
  async (t) => {
    const server = await startServer(t, { handler: attack })
    const { session, wechat, send } = server

    async function attack({ $wxSession }: Context): Promise<void> {
      const visible = $wxSession as WxSession
      await holds(anything(), async (given) => {
        if (typeof given === 'string' && /^[!-~]{1,512}$/.test(given)) return
        for (const ask of [visible.getPhoneNumber, session.wechat.getPhoneNumber])
          t.true((await thrownBy(() => ask.call(visible, given as string))) instanceof WechatApiError)
      })
    }

    t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 404)
    t.is(wechat.calls.filter(({ path }) => path.includes('phonenumber')).length, 0)
  },
)

test.serial('revoke(): an openId, or a TypeError', async (t) => {
  const { session } = await startServer(t)

  await holds(anything(), async (given) => {
    const isOpenId = typeof given === 'string' && given !== '' && given.length <= 256
    const error = await thrownBy(() => session.revoke(given as string))
    t.is(error instanceof TypeError, !isOpenId)
  })
})

test.serial('loginPath: whatever a body parser has left in ctx.request.body', async (t) => {
  let given: unknown
  let spent = 0
  const { session, wechat } = await startServer(t, { loginPath: '/login' })
  const app = new Koa()
  app.silent = true
  app.use(async (ctx, next) => {
    Object.assign(ctx.request, { body: given })
    const used = process.cpuUsage()
    const answering = next()
    const { user, system } = process.cpuUsage(used)
    spent = (user + system) / 1000
    await answering
  })
  app.use(session)
  const url = await listen(t, app)

  await holds(
    anyFields(),
    async (body) => {
      // Nothing: then our own reader waits for a body, which is tried below.
      if (body === undefined || body === null) return
      given = body
      const { status, headers } = await supertest(url).post('/login').set('Content-Type', 'application/json')
      const isRefused = status === 400 || status === 401
      t.true(isRefused && String(headers['x-wx-session-error']).startsWith('ERR_'), `status ${status}`)
      t.true(spent < AT_ONCE, `${spent} ms of CPU`)
    },
    inEachField(),
  )

  given = { code: await newCode(wechat.phone()) }
  t.is((await supertest(url).post('/login').set('Content-Type', 'application/json')).status, 200)
})

test.serial('loginPath: whatever JSON is sent', async (t) => {
  const server = await startServer(t, { loginPath: '/login' })
  const code = await newCode(server.wechat.phone())
  const before = server.wechat.exchanges
  const json = fc.oneof(
    fc.json({ maxDepth: 5 }),
    anyFields().map((fields) => printed(fields)),
    fc.constantFrom(
      `{"code":"c","encryptedData":{"toString":1},"iv":"AAAA"}`,
      `{"code":"c","iv":"A","encryptedData":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
      `{"code":"${code}","rawData":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
      `{"__proto__":{"code":"${code}"}}`,
      '['.repeat(60_000),
    ),
  )

  await holds(json, async (body) => {
    const request = supertest(server.url).post('/login').set('Content-Type', 'application/json')
    const { status } = await request.serialize(() => body).send(body)
    t.true([400, 401].includes(status), `status ${status}: ${body.slice(0, 200)}`)
  })
  t.is(server.wechat.calls.filter(({ code: sent }) => sent === code).length, 0)
  t.true(server.wechat.exchanges >= before)
})

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  test.serial(`${carrier}Carrier(): whatever a credential looks like, nobody, or a refusal`, async (t) => {
    const { read } = CARRIERS[carrier]() as SessionCarrier
    const value = fc.oneof(
      fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) }),
      fc.constantFrom(
        BIG,
        `Bearer ${'a.'.repeat(5_000_000)}`,
        `${'a'.repeat(43)}.${BIG}`,
        'Bearer a.b.c',
        ' ; =',
      ),
    )

    await holds(value, async (text) => {
      const headers = {
        'x-wx-code': text,
        'x-wx-session': text,
        authorization: text,
        cookie: `__Host-wx-session=${text}`,
      }
      const wire = createWireReader()(headers)
      const error = await thrownBy(async () => read({ headers } as never, wire, 'app'))
      t.true(error === undefined || (error instanceof WeappSessionError && error.status < 500))
    })
  })
}

/** A record that is good, but for some of its parts. */
const anyRecord = () =>
  fc
    .record(
      Object.fromEntries(
        ['v', 'appId', 'user', 'data', 'key', 'created', 'expires', 'rev', 'failures'].map((name) => [
          name,
          fc.jsonValue({ maxDepth: 3 }),
        ]),
      ),
      { requiredKeys: [] },
    )
    .map((spoilt) => JSON.parse(JSON.stringify({ ...RECORD, ...spoilt })) as SessionRecord)

const RECORD: SessionRecord = {
  v: 1,
  appId: 'wx',
  user: { appId: 'wx', openId: 'o-alice' },
  data: {},
  key: '',
  created: 1,
  expires: 1e14,
  rev: 0,
}

/** What somebody else has written, or we, a version ago. */
const oddlyStored = (appId: string) => [
  'refused',
  'refused ',
  'refused {"status":99999,"retryAfter":{"toString":1},"errcode":{"toString":1}}',
  'refused {"status":401,"retryAfter":1e999}',
  'claim',
  'ended',
  `0 99999999999999\n[1,"${appId}",1,{"length":50000000},{},"o-alice"]`,
  `0 99999999999999\n[1,"${appId}",1,"",null,"o-alice"]`,
  `0 99999999999999\n[1,"${appId}",1e999,"",{},"o-alice",{"toString":1},[],{}]`,
]

/** What may stand in Redis under a session's key. */
const anyStored = (appId: string) =>
  fc.oneof(
    anyRecord().map((record) => {
      try {
        return printSession({ ...record, appId })
      } catch {
        return '0 1\n['
      }
    }),
    fc.tuple(fc.nat(), fc.json({ maxDepth: 4 })).map(([rev, json]) => `${rev} 99999999999999\n${json}`),
    fc.json({ maxDepth: 3 }).map((json) => `refused ${json}`),
    fc.constantFrom(...oddlyStored(appId)),
    fc.string(),
  )

test.serial('Redis: whatever stands there is a session as we write it, or none', (t) => {
  fc.assert(
    fc.property(anyStored('wx'), (text) => {
      const record = parseSession(text)
      if (!record) return
      t.true(isSound(record), text)
    }),
    { seed: SEED, numRuns: 3000, interruptAfterTimeLimit: TIME },
  )
})

test.serial('Redis: whatever stands there, no request that meets it is a 5xx', async (t) => {
  const { entries, options, use } = redis()
  const server = await startServer(t, { store: redisStore(options), handler: open, wechat: { timeout: 100 } })
  const login = await codeLoginHeaders(server.wechat.phone())
  await server.send(login)
  const key = (await entries()).find(({ value }) => parseSession(value))?.key ?? ''
  t.not(key, '')

  await holds(
    anyStored(server.wechat.appId),
    async (text) => {
      // Those of a login under way are waited for, which has its own tests.
      if (text.startsWith('claim')) return
      await use((client) => client.set(key, text))
      const { status } = await server.send(codeOnly(login))
      t.true(status < 500, `${status}: ${text}`)
      const again = await server.send(login)
      t.true(
        again.status < 500 || again.get('X-WX-Session-Error') === 'ERR_SESSION_KEY_EXCHANGE_FAILED',
        text,
      )
    },
    oddlyStored(server.wechat.appId),
  )
})

test.serial('fromExpressStore(): whatever its store gives, no request that meets it is a 5xx', async (t) => {
  let given: unknown
  const store = fromExpressStore({
    get: (_, done) => done(null, given),
    set: (_, __, done) => done(),
    destroy: (_, done) => done(),
  })
  const server = await startServer(t, { store, handler: open })
  const { appId } = server.wechat
  const entry = fc.oneof(
    // One that cannot even be handed over, for it throws when it is asked for its `then`, is a store that fails: 503.
    anything().filter((value) => printed(value) !== UNPRINTABLE),
    anything().map((weapp) => ({ weapp })),
    fc.json({ maxDepth: 4 }).map((weapp) => ({ weapp })),
    anyRecord().map((record) => ({
      weapp: JSON.stringify({ state: 'session', record: { ...record, appId } }),
    })),
    fc
      .jsonValue({ maxDepth: 3 })
      .map((refusal) => ({ weapp: JSON.stringify({ state: 'refused', refusal }) })),
    fc.constantFrom(...ODD_ENTRIES),
  )

  await holds(
    entry,
    async (value) => {
      given = value
      for (const login of [{}, { 'X-WX-Login': 'code' }]) {
        const { status, headers } = await server.send({ 'X-WX-Code': 'a-code', ...login })
        // A code that WeChat refused as 502, say, is refused as that.
        const isRemembered = headers['x-wx-session-error'] === 'ERR_SESSION_KEY_EXCHANGE_FAILED'
        t.true(status < 500 || isRemembered, `${status} ${headers['x-wx-session-error']} ${printed(value)}`)
      }
    },
    ODD_ENTRIES,
  )
})

const ODD_ENTRIES = [
  { weapp: '{"state":"refused","refusal":{"status":99999,"retryAfter":{"toString":1}}}' },
  { weapp: '{"state":"refused","refusal":{"status":401,"retryAfter":{"toString":1}}}' },
  { weapp: `{"state":"session","record":${JSON.stringify({ ...RECORD, created: '1' })}}` },
]

/** The whole of what a handler can ask of a session without WeChat. */
async function open(ctx: Context): Promise<void> {
  const session = ctx.$wxSession
  ctx.body = { user: ctx.$wxUserInfo, session, has: session?.data.has }
  await session
    ?.decrypt({ encryptedData: 'A'.repeat(64), iv: `${'A'.repeat(22)}==` })
    .catch((error: unknown) => {
      if (!(error instanceof WeappSessionError)) throw error
    })
}

function isSound({ user, key, data, created, expires, rev }: SessionRecord): boolean {
  const areNumbers = [created, expires, rev].every(Number.isFinite)
  const { gender = 0, ...texts } = user ?? { appId: '', openId: '' }
  const isUser = typeof gender === 'number' && Object.values(texts).every((text) => typeof text === 'string')
  return areNumbers && isUser && typeof key === 'string' && typeof data === 'object' && data !== null
}

/** The property holds for these, and for as many others as there is time for; each failure says its seed. */
async function holds<T>(
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
  first: T[] = [],
): Promise<void> {
  // The time may end while one of them is still at it.
  let last: Promise<void> = Promise.resolve()
  const remembered = (value: T) => {
    last = check(value)
    return last
  }
  await fc.assert(fc.asyncProperty(arbitrary, remembered), {
    seed: SEED,
    examples: first.map((value): [T] => [value]),
    numRuns: 2000,
    interruptAfterTimeLimit: TIME,
    endOnFailure: true,
    includeErrorInReport: true,
  })
  await last
}

/** What a call is refused with. It may keep nobody else waiting: of three tries the quickest counts, on a busy machine. */
async function refusalOf(t: ExecutionContext, call: () => Promise<unknown>): Promise<WeappSessionError> {
  let least = Number.POSITIVE_INFINITY
  let error: unknown
  for (let tries = 0; tries < 3 && least >= AT_ONCE; tries++) {
    const began = performance.now()
    error = await thrownBy(call)
    least = Math.min(least, performance.now() - began)
  }
  t.true(least < AT_ONCE, `${least} ms`)
  if (error instanceof WeappSessionError) return error
  throw error ?? new Error('it opened')
}

async function thrownBy(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

const UNPRINTABLE = '2'

/** As JSON, where it can be. */
function printed(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? '0'
    return text.length < 100_000 ? text : '1'
  } catch {
    return UNPRINTABLE
  }
}
