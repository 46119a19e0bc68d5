import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose'
import type { Context } from 'koa'
import { memoryStore, type SessionStore } from '../src/index.js'
import { type JwtCarrierOptions, type JwtKey, jwtCarrier } from '../src/jwt/index.js'
import { takeDate } from './support/own-date.js'
import { isRefused, startServer, type TestServer, type TestServerOptions } from './support/server.js'
import { stopwatch } from './support/stopwatch.js'
import { until } from './support/until.js'
import { KEY, kept, OLD_KEY, visitor } from './support/visitor.js'
import { codeLoginHeaders, loginHeaders, namedPhone, startWechat } from './support/wechat.js'

const ed25519 = generateKeyPairSync('ed25519')
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const KEYS: [name: string, alg: string, key: JwtKey, publicKey?: KeyObject][] = [
  ['a secret', 'HS256', KEY],
  ['an Ed25519 key', 'EdDSA', ed25519.privateKey, ed25519.publicKey],
  ['a P-256 key', 'ES256', p256.privateKey, p256.publicKey],
]

for (const [name, alg, key, publicKey] of KEYS) {
  test(`jwtCarrier(), ${name}: a token says who the user is, and which mini program it is for`, async (t) => {
    const server = await start(t, { keys: [key] })

    const login = await server.send(await loginHeaders(namedPhone(server.wechat, 'alice')))

    const token = login.get('X-WX-Token') ?? ''
    const { kid, ...header } = decodeProtectedHeader(token)
    const claims = decodeJwt(token)
    t.deepEqual(header, { alg, typ: 'wx-session+jwt' })
    t.regex(kid ?? '', /^[\w-]{12}$/)
    t.is(claims.sub, server.wechat.user('alice').openId)
    t.is(claims.aud, server.wechat.appId)
    t.is((claims.exp ?? 0) - (claims.iat ?? 0), 900)
    t.is((claims.profile as { nickName: string }).nickName, 'alice')
    t.deepEqual((await server.send(kept(login))).body.user, login.body.user)
  })

  if (publicKey) {
    test(`jwtCarrier(), ${name}: a server with the public key knows users, and logs nobody in`, async (t) => {
      const store = memoryStore()
      const server = await start(t, { keys: [key] }, { store })
      const other = await start(t, { keys: [publicKey] }, { store, weixin: server.wechat })
      const alice = visitor(server, server.wechat.phone('alice'))
      await alice.logIn()

      t.is((await other.send(alice.headers)).status, 200)
      t.is((await visitor(other, server.wechat.phone()).logIn()).status, 500)
    })
  }
}

test('jwtCarrier({ keys }): keys of several kinds stand in one ring, and the first signs', async (t) => {
  const store = memoryStore()
  const before = await start(t, { keys: [OLD_KEY] }, { store })
  const { wechat: weixin } = before
  const after = await start(t, { keys: [ed25519.privateKey, OLD_KEY] }, { store, weixin })
  const alice = visitor(before, weixin.phone('alice'))
  await alice.logIn()

  t.is((await after.send(alice.headers)).status, 200)
  const fresh = kept(await after.send({ ...(await loginHeaders(weixin.phone('alice'))) }))
  t.is(decodeProtectedHeader(fresh.Authorization?.slice(7) ?? '').alg, 'EdDSA')
})

test('jwtCarrier(): it needs no store to name the user, also while the store is away', async (t) => {
  const calls: string[] = []
  let isAway = false
  const store = watched({ ...memoryStore(), timeout: 250 }, (name) => {
    calls.push(name)
    if (isAway) throw new Error('away')
  })
  const server = await start(t, { keys: [KEY], staleness: 1 }, { store })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()
  calls.length = 0

  const began = performance.now()
  for (let n = 0; n < 50; n++) t.is((await alice.get()).status, 200)
  // Once in each second of staleness.
  t.true(calls.length <= 1 + (performance.now() - began) / 1000, `${calls}`)
  isAway = true
  await sleep(1100)
  for (let n = 0; n < 10; n++) t.is((await alice.get()).status, 200)

  isRefused(t, await alice.logIn(), 'ERR_STORE_UNAVAILABLE', 503)
  t.is((await alice.get('/data')).status, 503)
})

test('jwtCarrier({ staleness }): an end in another process is seen within the staleness, and in this one at once', async (t) => {
  const store = memoryStore()
  const one = await start(t, { keys: [KEY], staleness: 1 }, { store })
  const other = await start(t, { keys: [KEY], staleness: 1 }, { store, weixin: one.wechat })
  const alice = visitor(one, one.wechat.phone('alice'))
  await alice.logIn()
  await other.send(alice.headers)

  await one.session.revoke(one.wechat.user('alice').openId)
  const took = stopwatch()

  isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
  await until(async () => (await other.send(alice.headers)).status === 401)
  t.true(took() < 1500)
})

test.serial(
  'jwtCarrier({ expiresIn }): a token that has lived half its life is followed by another, while its session lives',
  async (t) => {
    const server = await start(t, { keys: [KEY], expiresIn: 4 }, { ttl: 8 })
    const alice = visitor(server, server.wechat.phone('alice'))
    await alice.logIn()
    const first = alice.headers
    const date = takeDate(t)

    t.deepEqual(kept(await alice.get()), {})
    date.pass(2500)
    const renewed = await alice.get()
    date.pass(1600)

    t.not(kept(renewed).Authorization, undefined)
    t.is(renewed.get('Cache-Control'), 'no-store')
    // The first has ended, and its session has not: it is looked up, and replaced.
    const late = await server.send(first)
    t.is(late.status, 200)
    t.not(kept(late).Authorization, undefined)
    t.is((await alice.get()).status, 200)
    // No token outlives its session.
    date.pass(4000)
    isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
  },
)

test.serial(
  'jwtCarrier({ expiresIn }): a token that ends soon is not renewed where its session has ended',
  async (t) => {
    const store = memoryStore()
    const options = { keys: [KEY], expiresIn: 2, staleness: 60 }
    const one = await start(t, options, { store })
    const other = await start(t, options, { store, weixin: one.wechat })
    const alice = visitor(one, one.wechat.phone('alice'))
    await alice.logIn()
    await other.send(alice.headers)
    await one.send(alice.headers, '/logout')

    takeDate(t).pass(1300)

    isRefused(t, await other.send(alice.headers), 'ERR_SESSION_EXPIRED', 401)
  },
)

test('load(): to read data before it is a mistake that says what to do', async (t) => {
  const server = await start(t, { keys: [KEY] })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()

  const { status, body } = await alice.get('/careless')

  t.is(status, 200)
  t.regex(body.message, /await ctx\.\$wxSession\.load\(\)/)
})

test('jwtCarrier(): a token of another signer, or for another purpose, is refused before the store is asked', async (t) => {
  const calls: string[] = []
  const store = watched(memoryStore(), (name) => void calls.push(name))
  const server = await start(t, { keys: [KEY, ed25519.privateKey] }, { store })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()
  const token = alice.headers.Authorization?.slice(7) ?? ''
  const { kid = '' } = decodeProtectedHeader(token)
  const claims = decodeJwt(token)
  const sign = (
    header: object,
    payload: object = claims,
    key: Parameters<SignJWT['sign']>[0] = Buffer.from(KEY),
  ) =>
    new SignJWT({ ...payload })
      .setProtectedHeader({ alg: 'HS256', kid, typ: 'wx-session+jwt', ...header })
      .sign(key)
  const publicDer = createPublicKey(ed25519.privateKey).export({ type: 'spki', format: 'der' })
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  calls.length = 0
  t.is((await server.send({ Authorization: `Bearer ${await sign({})}` })).status, 200, 'the test signs well')
  calls.length = 0

  const forged = {
    'alg none': `${part({ alg: 'none', kid, typ: 'wx-session+jwt' })}.${part(claims)}.`,
    'an unknown key': await sign({ kid: 'AAAAAAAAAAAA' }),
    'no key named': await sign({ kid: undefined }),
    'another secret': await sign({}, claims, Buffer.from(OLD_KEY)),
    'a public key as a secret': await sign({ kid: 'x' }, claims, publicDer),
    'another mini program': await sign({}, { ...claims, aud: 'wx-other' }),
    'no audience': await sign({}, { ...claims, aud: undefined }),
    'no expiry': await sign({}, { ...claims, exp: undefined }),
    'no user': await sign({}, { ...claims, sub: undefined }),
    'changed claims': [token.split('.')[0], part({ ...claims, sub: 'o-somebody' }), token.split('.')[2]].join(
      '.',
    ),
  }

  for (const [what, value] of Object.entries(forged)) {
    const response = await server.send({ Authorization: `Bearer ${value}` })
    isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)
    t.pass(what)
  }
  // What is no token of this kind is of another system, and nobody's here.
  for (const foreign of [
    await sign({ typ: 'JWT' }),
    await sign({ typ: undefined }),
    token.slice(0, token.length / 2),
    'opaque',
    '',
    'a'.repeat(9000),
  ])
    t.is((await server.send({ Authorization: `Bearer ${foreign}` })).body.user, null, foreign)
  t.is(
    (await server.send({ Authorization: 'Basic dXNlcjpwYXNz' })).body.user,
    null,
    'another scheme is not ours',
  )
  t.is((await server.send({}, `/?token=${token}`)).body.user, null)
  t.deepEqual(calls, [])
})

for (const [name, options, message] of [
  ['no keys', { keys: [] }, /needs keys/],
  ['a short secret', { keys: ['short'] }, /at least 32 bytes/],
  ['an RSA key', { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey] }, /Ed25519/],
  ['expiresIn 0', { keys: [KEY], expiresIn: 0 }, /expiresIn/],
  ['a misspelt option', { keys: [KEY], expiresin: 1 }, /no option 'expiresin'/],
] as const) {
  test(`jwtCarrier(): at start-up, ${name} is a mistake that is named`, (t) => {
    t.throws(() => jwtCarrier(options as unknown as JwtCarrierOptions), { instanceOf: TypeError, message })
  })
}

function start(
  t: ExecutionContext,
  carrier: JwtCarrierOptions,
  options: TestServerOptions = {},
): Promise<TestServer> {
  return startServer(t, { carrier: jwtCarrier(carrier), handler: serve, ...options })
}

async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, path } = ctx
  if (path === '/data') await session?.load()
  if (path === '/logout') await session?.destroy()
  ctx.body = { user: ctx.$wxUserInfo }
  if (path !== '/careless') return
  try {
    ctx.body = session?.data
  } catch (error) {
    ctx.body = { message: (error as Error).message }
  }
}

/** A store whose calls are told. */
function watched(store: SessionStore, tell: (name: string) => void): SessionStore {
  const methods = Object.entries(store).map(([name, method]) => {
    if (typeof method !== 'function') return [name, method]
    return [
      name,
      async (...args: unknown[]) => {
        tell(name)
        return (method as (...args: unknown[]) => unknown)(...args)
      },
    ]
  })
  return Object.fromEntries(methods) as SessionStore
}

test.serial('jwtCarrier({ keys }): with public keys alone it verifies, and never signs', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const wechat = startWechat(t)
  const store = memoryStore()
  const full = await startServer(t, {
    weixin: wechat,
    store,
    handler: who,
    carrier: jwtCarrier({ keys: privateKey, expiresIn: 4 }),
  })
  const errors: Error[] = []
  const other = await startServer(t, {
    weixin: wechat,
    store,
    handler: who,
    carrier: jwtCarrier({ keys: publicKey, expiresIn: 4 }),
  })
  other.app.on('error', (error) => errors.push(error))
  const login = kept(await full.send(await codeLoginHeaders(wechat.phone('alice'))))
  const date = takeDate(t)

  for (const ms of [0, 2500, 2500]) {
    date.pass(ms)
    const later = await other.send(login)
    t.is(later.body.user?.openId, wechat.user('alice').openId, `${ms} ms later`)
    t.deepEqual(kept(later), {})
  }

  const code = await codeLoginHeaders(wechat.phone('bob'))
  const refused = await other.send(code)
  t.is(refused.status, 500)
  t.is(refused.get('X-WX-Login'), undefined)
  t.regex(errors.at(-1)?.message ?? '', /cannot log in/)
  t.is((await full.send(code)).status, 200, 'the code was not spent')
})

/** Needs no store. */
function who(ctx: Context): void {
  ctx.body = { user: ctx.$wxUserInfo }
}
