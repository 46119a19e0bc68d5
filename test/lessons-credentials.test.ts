/** Credentials that are planted, forged or of somebody else, and the sessions of guests. */
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import test from 'ava'
import { SignJWT } from 'jose'
import {
  cookieCarrier,
  headerCarrier,
  memoryStore,
  type SessionRecord,
  type SessionStore,
} from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'
import { countingStore } from './support/counting-store.js'
import {
  ALL,
  ANONYMOUS,
  asCredential,
  bearer,
  CARRIERS,
  credentialOf,
  forEach,
  isOver,
  makeGate,
  PATIENT,
  parse,
  print,
  selfSigned,
  start,
  startCounting,
  who,
} from './support/lessons.js'
import { takeDate } from './support/own-date.js'
import { isRefused, startServer } from './support/server.js'
import { until } from './support/until.js'
import { KEY, kept, visitor } from './support/visitor.js'
import { codeLoginHeaders, loginHeaders, namedPhone, startWechat } from './support/wechat.js'

// --- guests, and planted sessions

for (const name of ANONYMOUS) {
  test(`anonymous: a login from a guest’s session keeps the data under a new id, and the guest’s id is over (${name})`, async (t) => {
    const { server } = await start(t, name)
    const bob = visitor(server, namedPhone(server.wechat, 'bob'))
    await bob.get('/put?cart=milk')
    const guest = bob.headers
    t.is((await server.send(guest)).body.user, null)

    const login = await bob.logIn()

    t.is(login.body.user.openId, server.wechat.user('bob').openId)
    t.deepEqual(login.body.data, { cart: 'milk' })
    t.deepEqual((await bob.get()).body.data, { cart: 'milk' })
    t.not(credentialOf(bob.headers), credentialOf(guest))
    t.false(JSON.stringify(login.headers).includes(credentialOf(guest).split('.')[0] ?? '?'))
    isRefused(t, await server.send(guest), 'ERR_SESSION_EXPIRED', 401)
  })

  test(`anonymous: a planted guest’s id is worth nothing after the victim’s login (${name})`, async (t) => {
    const { server } = await start(t, name)
    const attacker = visitor(server, server.wechat.phone('eve'))
    await attacker.get('/put?planted=1')
    const victim = visitor(server, server.wechat.phone('victim'))
    victim.headers = attacker.headers

    await victim.logIn()
    await victim.get('/put?secret=1')

    isRefused(t, await attacker.get(), 'ERR_SESSION_EXPIRED', 401)
    isRefused(t, await attacker.get('/put?more=1'), 'ERR_SESSION_EXPIRED', 401)
    t.deepEqual((await victim.get()).body.data, { planted: '1', secret: '1' })
    // Not by a login that would move the old session, either.
    const evil = await attacker.logIn()
    t.deepEqual(evil.body.data, {})
  })

  test(`anonymous: a guest’s session that is written while it logs in revives nothing (${name})`, async (t) => {
    const gate = makeGate()
    const { server } = await start(t, name, { gate })
    const bob = visitor(server, server.wechat.phone('bob'))
    await bob.get('/put?cart=milk')
    const guest = bob.headers

    const slow = server.send(guest, '/put?wait=1&late=yes')
    await until(() => gate.waiting === 1)
    await bob.logIn()
    gate.open()

    isRefused(t, await slow, 'ERR_SESSION_CONFLICT', 409)
    isRefused(t, await server.send(guest), 'ERR_SESSION_EXPIRED', 401)
    t.deepEqual((await bob.get()).body.data, { cart: 'milk' })
  })
}

forEach(
  ALL,
  'X-WX-Login: a planted user’s session: the victim’s login takes nothing from it, and ends it',
  async (t, name) => {
    const { server, alice: attacker } = await start(t, name)
    await attacker.get('/put?planted=1')
    const victim = visitor(server, server.wechat.phone('victim'))
    victim.headers = attacker.headers

    const login = await victim.logIn()

    t.is(login.body.user.openId, server.wechat.user('victim').openId)
    t.deepEqual((await victim.get()).body.data, {})
    isRefused(t, await attacker.get(), 'ERR_SESSION_EXPIRED', 401)
  },
)

test('keys: ids that the client chose are never adopted', async (t) => {
  for (const name of ['header, anonymous', 'cookie, anonymous'] as const) {
    const { server, store } = await startCounting(t, name)
    const id = randomBytes(32).toString('base64url')

    for (const chosen of [
      id,
      `${id}.`,
      `${id}.${id}`,
      'admin',
      `${id}.${createHmac('sha256', 'x'.repeat(32)).update(`x-wx-session=${id}`).digest('base64url')}`,
    ])
      isOver(t, await server.send(asCredential(name, chosen)), name)
    t.deepEqual(store.calls(), {})

    const guest = await server.send(asCredential(name, id), '/put?x=1')
    if (name === 'cookie, anonymous') t.false(credentialOf(kept(guest)).startsWith(id))
    else isOver(t, guest, name)
  }
})

test('keys: a credential signed for a header is refused as a cookie or another header, and the other way round', async (t) => {
  const weixin = startWechat(t)
  const store = memoryStore()
  const header = await startServer(t, { ...PATIENT, weixin, store, carrier: headerCarrier({ keys: KEY }) })
  const other = await startServer(t, {
    ...PATIENT,
    weixin,
    store,
    carrier: headerCarrier({ keys: KEY, name: 'X-Other' }),
  })
  const cookie = await startServer(t, { ...PATIENT, weixin, store, carrier: cookieCarrier({ keys: KEY }) })
  const login = await header.send(await codeLoginHeaders(weixin.phone('alice')))
  const credential = login.get('X-WX-Session') ?? ''

  t.is((await header.send({ 'X-WX-Session': credential })).status, 200)
  isRefused(t, await other.send({ 'X-Other': credential }), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await cookie.send({ Cookie: `__Host-wx-session=${credential}` }), 'ERR_SESSION_EXPIRED', 401)
  for (const one of [other, cookie]) t.is((await one.send({ 'X-WX-Session': credential })).body.user, null)
})

test('SessionRecord: a record that is another mini program’s, or of another shape, or over, is not believed', async (t) => {
  let moved: Partial<SessionRecord> = {}
  const inner = memoryStore()
  const store: SessionStore = {
    ...inner,
    async read(id) {
      const entry = await inner.read(id)
      return entry?.state === 'session' ? { ...entry, record: { ...entry.record, ...moved } } : entry
    },
  }
  const server = await startServer(t, { ...PATIENT, store, carrier: CARRIERS.header() })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()
  t.is((await alice.get()).status, 200)

  for (const wrong of [{ appId: 'wx0000000000000000' }, { v: 2 as 1 }, { expires: Date.now() }] as const) {
    moved = wrong
    isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
  }
})

// --- forged tokens

const ED25519 = generateKeyPairSync('ed25519')
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('jwtCarrier(): a token that is forged, foreign or over is refused without a read of the store', async (t) => {
  for (const [what, keys, sign, alg] of [
    ['HS256', KEY, Buffer.from(KEY), 'HS256'],
    ['EdDSA', ED25519.privateKey, ED25519.privateKey, 'EdDSA'],
    ['ES256', P256.privateKey, P256.privateKey, 'ES256'],
  ] as const) {
    const weixin = startWechat(t)
    const store = countingStore(memoryStore())
    const server = await startServer(t, {
      ...PATIENT,
      weixin,
      store,
      carrier: jwtCarrier({ keys }),
      handler: who,
    })
    const login = await server.send(await codeLoginHeaders(weixin.phone('alice')))
    const token = login.get('X-WX-Token') ?? ''
    const [head = '', body = '', signature = ''] = token.split('.')
    const header = parse(head) as { alg: string; kid: string; typ: string }
    const claims = parse(body) as { jti: string; sub: string; aud: string; exp: number; iat: number }
    t.is(header.alg, alg)
    const made = (
      changes: object,
      headers: object = {},
      key: Parameters<SignJWT['sign']>[0] = sign,
    ): Promise<string> =>
      new SignJWT({ ...claims, ...changes }).setProtectedHeader({ ...header, ...headers }).sign(key)
    const pem = createPublicKey(P256.privateKey).export({ type: 'spki', format: 'pem' })
    const publicKeys =
      alg === 'HS256'
        ? [pem]
        : [
            ...[ED25519, P256].map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'pem' })),
            ...[ED25519, P256].map(({ publicKey }) => publicKey.export({ type: 'spki', format: 'der' })),
          ]
    // The one that is made as all the others are, and nothing is wrong with.
    t.is((await server.send(bearer(await made({})))).status, 200, what)
    const now = Math.floor(Date.now() / 1000)
    const victim = weixin.user('victim').openId
    const calls = store.calls()

    const forgeries: Record<string, string> = {
      'alg none': `${print({ ...header, alg: 'none' })}.${body}.`,
      'alg none, with a signature': `${print({ ...header, alg: 'none' })}.${body}.${signature}`,
      'alg NONE': `${print({ ...header, alg: 'NoNe' })}.${body}.${signature}`,
      'no alg': `${print({ kid: header.kid, typ: header.typ })}.${body}.${signature}`,
      'another sub': `${head}.${print({ ...claims, sub: victim })}.${signature}`,
      'another aud': await made({ aud: 'wx0000000000000000' }),
      'no aud': await made({ aud: undefined }),
      'no exp': await made({ exp: undefined }),
      'no sub': await made({ sub: undefined }),
      'no jti': await made({ jti: undefined }),
      'not yet': await made({ nbf: now + 600 }),
      'an unknown kid': await made({}, { kid: 'AAAAAAAAAAAA' }),
      'no kid': await made({}, { kid: undefined }),
      'another secret': await made({}, { alg: 'HS256' }, Buffer.from('another secret, which is long enough')),
      'a key of its own in the header': await selfSigned(header, claims),
    }
    for (const [n, key] of publicKeys.entries())
      forgeries[`HS256 with public key ${n}`] = await made(
        { sub: victim },
        { alg: 'HS256' },
        Buffer.from(key),
      )
    if (alg === 'HS256') {
      const text = `${print({ ...header, crit: ['x'], x: 1 })}.${body}`
      forgeries['another algorithm of the same secret'] = await made({}, { alg: 'HS512' })
      forgeries['an unknown crit'] = `${text}.${createHmac('sha256', KEY).update(text).digest('base64url')}`
    } else {
      const [other, otherAlg] = alg === 'EdDSA' ? ([P256, 'ES256'] as const) : ([ED25519, 'EdDSA'] as const)
      forgeries['another kind of key'] = await made({}, { alg: otherAlg }, other.privateKey)
    }

    for (const [how, forged] of Object.entries(forgeries)) {
      const response = await server.send(bearer(forged))
      t.is(response.status, 401, `${what}: ${how}`)
      isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)
    }
    // Of somebody else: nobody's, as is one that is longer than ours can be.
    for (const typ of ['JWT', 'at+jwt', undefined])
      t.is((await server.send(bearer(await made({}, { typ })))).body.user, null, typ)
    const tooLong = `${head}.${'A'.repeat(9000)}.${signature}`
    for (const junk of ['', 'x', 'a.b', 'a.b.c', '...', `${token}.x`, token.replaceAll('.', ' '), tooLong])
      t.is((await server.send({ Authorization: `Bearer ${junk}` })).body.user, null, junk)
    for (const path of [`/?access_token=${token}`, `/?token=${token}`, `/?Authorization=Bearer%20${token}`])
      t.is((await server.send({}, path)).body.user, null, path)
    for (const headers of [
      { 'X-WX-Token': token },
      { Cookie: `__Host-wx-session=${token}` },
      { 'X-WX-Session': token },
    ])
      t.is((await server.send(headers)).body.user, null)

    t.deepEqual(store.calls(), calls, what)
  }
})

test.serial('jwtCarrier({ expiresIn }): a token that has ended costs one read, and no more', async (t) => {
  const store = countingStore(memoryStore())
  const carrier = jwtCarrier({ keys: KEY, expiresIn: 5, staleness: 600 })
  const server = await startServer(t, { ...PATIENT, store, carrier, handler: who })
  const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
  t.is((await server.send(kept(login))).status, 200)

  takeDate(t).pass(5100)
  const calls = store.calls()

  const renewed = await server.send(kept(login))
  t.is(renewed.body.user.openId, server.wechat.user('alice').openId)
  t.not(kept(renewed).Authorization, undefined)
  t.is(store.calls().read, (calls.read ?? 0) + 1)

  await server.session.revoke(server.wechat.user('alice').openId)
  isRefused(t, await server.send(kept(login)), 'ERR_SESSION_EXPIRED', 401)
})

test('jwt: a token of another server with the same secret, but of another mini program, is none of ours', async (t) => {
  const store = countingStore(memoryStore())
  const carrier = jwtCarrier({ keys: KEY })
  const one = await startServer(t, { ...PATIENT, carrier, handler: who })
  const other = await startServer(t, { ...PATIENT, carrier: jwtCarrier({ keys: KEY }), store, handler: who })
  const login = await one.send(await codeLoginHeaders(one.wechat.phone('alice')))

  isRefused(t, await other.send(kept(login)), 'ERR_SESSION_EXPIRED', 401)
  t.deepEqual(store.calls(), {})
  t.is((await one.send(kept(login))).status, 200)
})

test('apps: several mini programs: a credential of the one gets nobody into the other', async (t) => {
  for (const name of ALL) {
    const [shop, game] = [startWechat(t), startWechat(t)]
    const apps = { [shop.appId]: shop.appSecret, [game.appId]: game.appSecret }
    const session = { apps, appId: undefined, appSecret: undefined }
    const server = await startServer(t, {
      ...PATIENT,
      weixin: shop,
      ...session,
      carrier: CARRIERS[name](),
      handler: who,
    })
    const login = await server.send({
      ...(await codeLoginHeaders(shop.phone('alice'))),
      'X-WX-AppId': shop.appId,
    })
    t.is((await server.send({ ...kept(login), 'X-WX-AppId': shop.appId })).status, 200)

    const crossed = await server.send({ ...kept(login), 'X-WX-AppId': game.appId })
    isOver(t, crossed, name)
    const unknown = await server.send({ ...kept(login), 'X-WX-AppId': 'wx0000000000000000' })
    t.true([400, 401].includes(unknown.status), `${name}: ${unknown.status}`)
  }
})

// give() makes tokens of any length, with the whole profile; read() refuses those beyond TOKEN_MAX, for good.
test('jwt: a token that we give is one that we take, however long its user’s profile is', async (t) => {
  const server = await startServer(t, { ...PATIENT, carrier: jwtCarrier({ keys: KEY }), handler: who })
  const phone = namedPhone(server.wechat, 'alice')
  phone.profile = { nickName: 'a'.repeat(7500) }
  const login = await server.send(await loginHeaders(phone))
  t.is(login.status, 200)

  const later = await server.send(kept(login))

  t.is(later.status, 200)
})

test('jwt: a server with public keys knows users, and logs nobody in', async (t) => {
  const weixin = startWechat(t)
  const store = memoryStore()
  const full = await startServer(t, {
    ...PATIENT,
    weixin,
    store,
    carrier: jwtCarrier({ keys: ED25519.privateKey }),
    handler: who,
  })
  const reader = await startServer(t, {
    ...PATIENT,
    weixin,
    store,
    carrier: jwtCarrier({ keys: ED25519.publicKey }),
    handler: who,
  })
  const login = await full.send(await codeLoginHeaders(weixin.phone('alice')))

  t.is((await reader.send(kept(login))).body.user.openId, weixin.user('alice').openId)
  t.is((await reader.send(await codeLoginHeaders(weixin.phone('bob')))).status, 500)
})
