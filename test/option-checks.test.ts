import { setImmediate } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import * as redis5 from 'redis-5'
import {
  cookieCarrier,
  headerCarrier,
  memoryStore,
  type RedisClient,
  redisStore,
  weappSession,
} from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'

const keys = 'k'.repeat(32)
const good = { appId: 'wx-test', appSecret: 'secret-of-a-test' }
const url = 'redis://127.0.0.1:1'

/** Values that TypeScript would refuse, and an environment variable gives. */
const any = (value: unknown) => value as never

const REFUSED: [string, () => unknown, RegExp][] = [
  [
    "cookieCarrier({ sameSite: 'none', secure: false })",
    () => cookieCarrier({ keys, sameSite: 'none', secure: false }),
    /sameSite.*needs secure: true/,
  ],
  ["cookieCarrier({ path: '/a;b' })", () => cookieCarrier({ keys, path: '/a;b' }), /path }\) must be a path/],
  ["cookieCarrier({ path: 'app' })", () => cookieCarrier({ keys, path: 'app' }), /path }\) must be a path/],
  ['cookieCarrier({ path: 7 })', () => cookieCarrier({ keys, path: any(7) }), /path }\) must be a path/],
  [
    'cookieCarrier({ domain }) of other letters',
    () => cookieCarrier({ keys, domain: 'exämple.com' }),
    /domain }\).*Punycode/,
  ],
  [
    'cookieCarrier({ domain }) with a port',
    () => cookieCarrier({ keys, domain: 'example.com:443' }),
    /domain }\)/,
  ],
  [
    'cookieCarrier({ domain }) with a scheme',
    () => cookieCarrier({ keys, domain: 'https://example.com' }),
    /domain }\)/,
  ],
  ['cookieCarrier({ domain: true })', () => cookieCarrier({ keys, domain: any(true) }), /domain }\)/],
  [
    "cookieCarrier({ secure: 'false' })",
    () => cookieCarrier({ keys, secure: any('false') }),
    /secure }\) must be true or false, without quotes/,
  ],
  [
    'cookieCarrier({ secure: 0 })',
    () => cookieCarrier({ keys, secure: any(0) }),
    /secure }\) must be true or false: it is 0/,
  ],
  [
    "cookieCarrier({ anonymous: 'no' })",
    () => cookieCarrier({ keys, anonymous: any('no') }),
    /anonymous }\) must be true or false/,
  ],
  ...[
    'Content-Length',
    'content-type',
    'Cookie',
    'Authorization',
    'Set-Cookie',
    'Host',
    'Transfer-Encoding',
    'Connection',
    'Weapp-Login',
    'x-wx-code',
    'Weapp-Token',
    'X-WX-OPENID',
    'X-WX-FROM-OPENID',
    'X-Forwarded-For',
    'Origin',
    'ETag',
  ].map((name): [string, () => unknown, RegExp] => [
    `headerCarrier({ name: '${name}' })`,
    () => headerCarrier({ keys, name }),
    /is a header with a meaning of its own/,
  ]),
  [
    'redisStore({ timeout: 0.25 })',
    () => redisStore({ url, timeout: 0.25 }),
    /timeout }\) must be whole ms, from 1 to 60000: it is 0.25/,
  ],
  ['redisStore({ timeout: 250000 })', () => redisStore({ url, timeout: 250_000 }), /it is 250000/],
  ["redisStore({ timeout: '250' })", () => redisStore({ url, timeout: any('250') }), /it is a string/],
  ['redisStore({ prefix: 7 })', () => redisStore({ url, prefix: any(7) }), /prefix }\) must be a text/],
  ['redisStore({ client, url })', () => redisStore(any({ url, client: createClient() })), /not both/],
  [
    'memoryStore({ max: 1e9 })',
    () => memoryStore({ max: 1e9 }),
    /max }\) must be a whole number from 1 to 16000000/,
  ],
  [
    "weappSession({ loginPath: '/login?x' })",
    () => weappSession({ ...good, loginPath: '/login?x' }),
    /loginPath must be a path alone/,
  ],
  [
    "weappSession({ loginPath: '/login#x' })",
    () => weappSession({ ...good, loginPath: '/login#x' }),
    /loginPath must be a path alone/,
  ],
  [
    "weappSession({ loginPath: '/登录' })",
    () => weappSession({ ...good, loginPath: '/登录' }),
    /loginPath must be percent-encoded/,
  ],
  [
    'jwtCarrier({ expiresIn: 0.5 })',
    () => jwtCarrier({ keys, expiresIn: 0.5 }),
    /expiresIn }\) must be whole seconds.*it is 0.5/,
  ],
  ["jwtCarrier({ expiresIn: '15m' })", () => jwtCarrier({ keys, expiresIn: any('15m') }), /it is a string/],
  ['jwtCarrier({ staleness: 0 })', () => jwtCarrier({ keys, staleness: 0 }), /staleness }\)/],
  ['jwtCarrier({ expiresIn: 1e12 })', () => jwtCarrier({ keys, expiresIn: 1e12 }), /up to ten years/],
]

for (const [what, make, message] of REFUSED) {
  test(`${what}: a TypeError at start-up says what it should be`, (t) => {
    const error = t.throws(make, { instanceOf: TypeError, message })
    t.regex(error?.message ?? '', /^koa-weapp-session: /)
  })
}

test('cookieCarrier(): what is good stays good', (t) => {
  for (const options of [
    { sameSite: 'none' as const },
    { path: '/a%20b', domain: 'example.com' },
    { domain: '.example.com', secure: false },
    { domain: '' },
    { domain: 'xn--exmple-cua.com' },
    { domain: 'localhost', secure: false },
  ])
    t.notThrows(() => cookieCarrier({ keys, ...options }), JSON.stringify(options))
})

test("headerCarrier({ name }): an application's own names, and the default ones, are taken", (t) => {
  for (const name of [
    'X-App-Session',
    'Weapp-Session',
    'X-WX-Session',
    'X-WX-Skey',
    'Session',
    'token',
    'X-Auth-Token',
  ])
    t.notThrows(() => headerCarrier({ keys, name }), name)
})

const noop = () => {}
/** The methods by which clients of other kinds are told apart, as their packages have them. */
const others: [string, object, RegExp][] = [
  [
    'redis 3',
    { get: noop, hgetall: noop, evalsha: noop, send_command: noop, on: noop, duplicate: noop },
    /redis 3 is not supported/,
  ],
  [
    'redis 4',
    {
      isOpen: false,
      connect: noop,
      disconnect: noop,
      quit: noop,
      get: noop,
      pTTL: noop,
      hGet: noop,
      hDel: noop,
      hGetAll: noop,
      eval: noop,
      evalSha: noop,
      on: noop,
    },
    /redis 4 is not supported/,
  ],
  ['generic-pool', { acquire: noop, release: noop, on: noop }, /a pool of another package is not supported/],
  [
    'redis 6 with a keyPrefix',
    createClient({ keyPrefix: 'app:' }),
    /it has a keyPrefix: put that before redisStore\(\{ prefix \}\)/,
  ],
  [
    'a cluster of redis 6 with a keyPrefix',
    createCluster({ rootNodes: [{ url }], keyPrefix: 'app:' }),
    /it has a keyPrefix/,
  ],
  ['a promise of a client', Promise.resolve(), /this is a promise: await it first/],
  ['options of a client', { host: '127.0.0.1' }, /it lacks connect, destroy/],
  ['a legacy client', createClient().legacy(), /it lacks connect/],
]
for (const [what, client, message] of others) {
  test(`redisStore({ client }): ${what} is refused at start-up, with what to do`, (t) => {
    t.throws(() => redisStore({ client: client as RedisClient }), { instanceOf: TypeError, message })
  })
}
for (const client of [undefined, null, 'redis://127.0.0.1', 7]) {
  test(`redisStore({ client: ${client} }): is refused at start-up`, (t) => {
    t.throws(() => redisStore({ client: any(client) }), { instanceOf: TypeError, message: /redisStore\(/ })
  })
}

for (const [what, written, message] of [
  ['a path that is no number', `${url}/two`, /must name the database by a number/],
  ['?db= that is no number', `${url}?db=two`, /must name the database by a number/],
  ['two databases', `${url}/1?db=2`, /the path names 1, and \?db= names 2/],
] as const) {
  test(`redisStore({ url }): ${what}: refused at start-up`, (t) => {
    t.throws(() => redisStore({ url: written }), { instanceOf: TypeError, message })
  })
}

test('redisStore({ cache, client }): a client that cannot hear of changes is refused at start-up', (t) => {
  for (const client of [
    new Redis({ lazyConnect: true }),
    new Cluster([], { lazyConnect: true }),
    createClientPool() as unknown as RedisClient,
  ])
    t.throws(() => redisStore({ client, cache: true }), {
      instanceOf: TypeError,
      message: /redisStore\(\{ cache \}\) needs a client .* of the package redis, or a url/,
    })
})

test('redisStore({ client }): a client, a pool, a cluster and a sentinel of redis 5 and 6 are taken, and those of ioredis', (t) => {
  const [node] = [{ host: '127.0.0.1', port: 1 }]
  for (const client of [
    createClient(),
    createClient({ RESP: 3 }),
    createClientPool(),
    redis5.createClient(),
    redis5.createClientPool(),
    redis5.createCluster({ rootNodes: [{ url }] }),
    redis5.createSentinel({ name: 'mymaster', sentinelRootNodes: [node] }),
    new Redis({ lazyConnect: true }),
    new Cluster([], { lazyConnect: true }),
    createCluster({ rootNodes: [{ url }] }),
    createSentinel({ name: 'mymaster', sentinelRootNodes: [node] }),
  ])
    t.notThrows(() => redisStore({ client: client as unknown as RedisClient }))
})

const WARNED: [string, () => unknown, RegExp[]][] = [
  [
    'ttl: 7_200_000',
    () => weappSession({ ...good, ttl: 7_200_000 }),
    [
      /^WEAPP_UNITS ttl is in seconds, and 7200000 seconds are 83\.3 days\. If 2 hours are meant, write ttl: 7200\.$/,
    ],
  ],
  [
    'ttl: 86_400_000',
    () => weappSession({ ...good, ttl: 86_400_000 }),
    [/^WEAPP_UNITS ttl .* 2\.7 years\. If 24 hours are meant, write ttl: 86400\.$/],
  ],
  ['maxAge: 86_400_000', () => weappSession({ ...good, maxAge: 86_400_000 }), [/^WEAPP_UNITS maxAge /]],
  [
    'jwtCarrier({ expiresIn: 900_000 })',
    () => jwtCarrier({ keys, expiresIn: 900_000 }),
    [/^WEAPP_UNITS expiresIn .* 15 minutes are meant, write expiresIn: 900\./],
  ],
  [
    'jwtCarrier({ staleness: 10_000 })',
    () => jwtCarrier({ keys, staleness: 10_000 }),
    [/^WEAPP_UNITS staleness .* 10 seconds are meant/],
  ],
  [
    'lives as they are meant',
    () =>
      [1, 7200, 86_400, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_536_000].map((ttl) =>
        weappSession({ ...good, ttl }),
      ),
    [],
  ],
  [
    'tokens as they are meant',
    () =>
      [60, 900, 3600, 86_400, 604_800, 2_592_000].map((expiresIn) =>
        jwtCarrier({ keys, expiresIn, staleness: 60 }),
      ),
    [],
  ],
  [
    'an http: baseUrl',
    () => weappSession({ ...good, wechat: { baseUrl: 'http://api.weixin.qq.com' } }),
    [/^WEAPP_BASE_URL wechat\.baseUrl is http:\/\/api\.weixin\.qq\.com: .*Use https:\.$/],
  ],
  [
    'a loopback baseUrl',
    () =>
      [
        'http://127.0.0.1:1',
        'http://localhost',
        'http://[::1]:8080',
        'http://wechat.localhost',
        'https://api.weixin.qq.com',
      ].map((baseUrl) => weappSession({ ...good, wechat: { baseUrl } })),
    [],
  ],
  [
    'a name that looks like loopback',
    () => weappSession({ ...good, wechat: { baseUrl: 'http://localhost.example.com' } }),
    [/^WEAPP_BASE_URL/],
  ],
  [
    'a baseUrl with a password',
    () => weappSession({ ...good, wechat: { baseUrl: 'http://me:secret@host' } }),
    [/^WEAPP_BASE_URL (?!.*secret@)/],
  ],
  [
    'appId and appSecret that are swapped',
    () => weappSession({ appId: '0123456789abcdef0123456789abcdef', appSecret: 'wx0123456789abcdef' }),
    [/^WEAPP_CREDENTIALS appId and appSecret seem to be swapped(?!.*0123456789)/],
  ],
  [
    'apps that are swapped',
    () => weappSession({ apps: { '0123456789abcdef0123456789abcdef': 'wx0123456789abcdef' } }),
    [/^WEAPP_CREDENTIALS/],
  ],
  [
    'appId and appSecret as they are',
    () => weappSession({ appId: 'wx0123456789abcdef', appSecret: '0123456789abcdef0123456789abcdef' }),
    [],
  ],
]
for (const [what, make, expected] of WARNED) {
  test.serial(
    `weappSession(): ${what} ${expected.length > 0 ? 'is warned of, once' : 'passes without a word'}`,
    async (t) => {
      const said = await warningsOf(t, make)

      t.is(said.length, expected.length, said.join('\n'))
      for (const [i, pattern] of expected.entries()) t.regex(said[i] ?? '', pattern)
    },
  )
}

async function warningsOf(t: ExecutionContext, make: () => unknown): Promise<string[]> {
  const said: string[] = []
  const listen = ({ code, message }: Error & { code?: string }) => said.push(`${code} ${message}`)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  make()
  await setImmediate()
  return said
}
