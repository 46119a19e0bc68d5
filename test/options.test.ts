import test from 'ava'
import { createClient } from 'redis'
import {
  cookieCarrier,
  headerCarrier,
  memoryStore,
  redisStore,
  type SessionStore,
  type WeappSessionOptions,
  weappSession,
} from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'
import { type ExpressStore, fromExpressStore } from '../src/stores/express/index.js'

const good = { appId: 'wx-test', appSecret: 'secret-of-a-test' }

const MISTAKES: [string, unknown, RegExp][] = [
  ['no options', undefined, /weappSession needs an object/],
  ['no appId', { ...good, appId: undefined }, /appId is missing/],
  ['an empty appId', { ...good, appId: ' ' }, /appId is missing/],
  ['no appSecret', { ...good, appSecret: undefined }, /appSecret is missing/],
  ['a misspelt option', { ...good, legacystatus: true }, /weappSession has no option 'legacystatus'/],
  ['a misspelt option of wechat', { ...good, wechat: { baseURL: 'x' } }, /wechat .* has no option 'baseURL'/],
  ['ttl 0', { ...good, ttl: 0 }, /ttl must be whole seconds/],
  ['ttl in ms', { ...good, ttl: 7200_000_000 }, /ttl must be whole seconds/],
  ['a maxAge below ttl', { ...good, ttl: 100, maxAge: 99 }, /maxAge/],
  ['maxSessionsPerUser 0', { ...good, maxSessionsPerUser: 0 }, /maxSessionsPerUser/],
  ['a timeout of 0', { ...good, wechat: { timeout: 0 } }, /wechat.timeout/],
  ['a baseUrl that is none', { ...good, wechat: { baseUrl: 'api.weixin.qq.com' } }, /wechat.baseUrl/],
  ['a baseUrl with a query', { ...good, wechat: { baseUrl: 'http://a/?b' } }, /wechat.baseUrl/],
  ['a fetch that is none', { ...good, wechat: { fetch: 'node-fetch' } }, /wechat.fetch must be a function/],
  ['ignore that is no function', { ...good, ignore: ['/health'] }, /ignore must be a function/],
  ['onLogin that is no function', { ...good, onLogin: true }, /onLogin must be a function/],
  ['rolling that is no boolean', { ...good, rolling: 'yes' }, /rolling must be true or false/],
  [
    'a store without methods',
    { ...good, store: { ...memoryStore(), claim: undefined } },
    /store lacks claim/,
  ],
  ['a client as the store', { ...good, store: {} }, /store lacks read, claim/],
  ['a carrier that is none', { ...good, carrier: {} }, /carrier must be/],
  ['wechat that is no object', { ...good, wechat: null }, /wechat .* needs an object/],
  [
    'a store with a timeout that is none',
    { ...good, store: { ...memoryStore(), timeout: -1 } },
    /store.timeout/,
  ],
]

for (const [name, options, message] of MISTAKES) {
  test(`weappSession(): at start-up, ${name} is a TypeError that names it`, (t) => {
    const error = t.throws(() => weappSession(options as WeappSessionOptions), {
      instanceOf: TypeError,
      message,
    })
    t.regex(error?.message ?? '', /^koa-weapp-session: /)
    t.false(error?.message.includes(good.appSecret))
  })
}

/** A mistake that people make, and how they are told of it: the whole sentence. */
const SENTENCES: [string, () => unknown, string][] = [
  [
    'appId from an environment variable that is not set',
    () => weappSession({ ...good, appId: process.env.NOT_SET }),
    'appId is missing: copy it from the mini program console (it begins with wx); if it comes from an environment variable, that one is not set',
  ],
  [
    'appSecret likewise',
    () => weappSession({ ...good, appSecret: '' }),
    'appSecret is missing: copy it from the mini program console; if it comes from an environment variable, that one is not set',
  ],
  [
    'a ttl of 0',
    () => weappSession({ ...good, ttl: 0 }),
    'ttl must be whole seconds, from 1 up to ten years, such as 7200: it is 0',
  ],
  [
    'a ttl that is text',
    () => weappSession({ ...good, ttl: '2h' as unknown as number }),
    'ttl must be whole seconds, from 1 up to ten years, such as 7200: it is a string',
  ],
  [
    'a maxAge below ttl',
    () => weappSession({ ...good, ttl: 100, maxAge: 99 }),
    'maxAge must be whole seconds, from ttl (100) up to ten years: it is 99',
  ],
  [
    'an option in another case',
    () => weappSession({ ...good, legacystatus: true } as object),
    "weappSession has no option 'legacystatus': did you mean 'legacyStatus'?",
  ],
  [
    'an option misspelt',
    () => weappSession({ ...good, carier: {} } as object),
    "weappSession has no option 'carier': did you mean 'carrier'?",
  ],
  [
    'an option of something else',
    () => redisStore({ url: 'redis://127.0.0.1', host: 'x' } as { url: string }),
    "redisStore has no option 'host': it has client, url, prefix, timeout, connectTimeout, cache",
  ],
  [
    'a short secret',
    () => headerCarrier({ keys: 'secret' }),
    'headerCarrier() needs keys: a list of secrets of at least 32 bytes, the newest first; one has 6 (make one with: openssl rand -base64 32)',
  ],
  [
    'no secret',
    () => cookieCarrier({ keys: [process.env.NOT_SET as string] }),
    'cookieCarrier() needs keys: a list of secrets of at least 32 bytes, the newest first; one is missing (make one with: openssl rand -base64 32)',
  ],
  [
    'a short secret among good ones',
    () => jwtCarrier({ keys: ['k'.repeat(32), 'short'] }),
    'jwtCarrier() needs keys: a list of secrets of at least 32 bytes, the newest first; one has 5 (make one with: openssl rand -base64 32)',
  ],
  [
    'a store without a method',
    () => weappSession({ ...good, store: { ...memoryStore(), claim: undefined } as unknown as SessionStore }),
    'store lacks claim: add what is missing (see docs/stores.md), or use memoryStore(), redisStore(), or fromExpressStore() around a store of express-session',
  ],
  [
    'a client of Redis for a store',
    () => weappSession({ ...good, store: createClient() as unknown as SessionStore }),
    'store is a client of Redis: put it into a store, redisStore({ client })',
  ],
  [
    'a Redis that is an address without redis://',
    () => redisStore({ url: '127.0.0.1:6379' }),
    'redisStore() needs a { client } of the packages redis, ioredis or iovalkey, or a { url } like redis://127.0.0.1:6379',
  ],
  [
    'the class of a store instead of a store',
    () => fromExpressStore(class RedisStore extends Map {} as unknown as ExpressStore),
    'fromExpressStore() needs a store of express-session: RedisStore is its class. new RedisStore(…)',
  ],
  [
    'one mini program, and several',
    () => weappSession({ ...good, apps: { wx: 's' } }),
    'give either appId and appSecret, or apps',
  ],
]

for (const [name, make, sentence] of SENTENCES) {
  test(`weappSession(): one sentence says what is wrong with ${name} and what to do`, (t) => {
    const error = t.throws(make, { instanceOf: TypeError })
    t.true(error?.message.startsWith(`koa-weapp-session: ${sentence} (docs/errors.md#`), error?.message)
  })
}

test('store: an option that is no store is a mistake at start-up', (t) => {
  for (const max of [0, -1, 1.5, Number.NaN]) t.throws(() => memoryStore({ max }), { instanceOf: TypeError })
  for (const options of [
    {},
    { client: {} },
    { url: 'not a url' },
    { url: 'localhost:6379' },
    { url: 'http://127.0.0.1' },
    { url: 7 },
    { cache: { maxAge: 0 }, url: 'redis://127.0.0.1' },
    { cache: { max: 0.5 }, url: 'redis://127.0.0.1' },
    { cache: { size: 7 }, url: 'redis://127.0.0.1' },
    { cach: true, url: 'redis://127.0.0.1' },
    undefined,
  ]) {
    t.throws(() => redisStore(options as { url: string }), { instanceOf: TypeError, message: /redisStore/ })
  }
  for (const timeout of [0, -1, Number.NaN]) {
    t.throws(() => redisStore({ url: 'redis://127.0.0.1:1', timeout }), { message: /timeout/ })
    const connectTimeout = timeout
    t.throws(() => redisStore({ url: 'redis://127.0.0.1:1', connectTimeout }), { message: /connectTimeout/ })
  }
})

test("weappSession(): the caller's options are read once and never written", (t) => {
  const options = Object.freeze({ ...good, wechat: Object.freeze({ timeout: 100 }) })

  t.notThrows(() => weappSession(options))
})

test('memoryStore(): the memory store warns in production, once at start-up, and nowhere else', async (t) => {
  const said: string[] = []
  const listen = (warning: Error & { code?: string }) => said.push(warning.code ?? '')
  process.on('warning', listen)
  const environment = process.env.NODE_ENV

  weappSession(good)
  await new Promise((resolve) => setImmediate(resolve))
  t.deepEqual(said, [])

  process.env.NODE_ENV = 'production'
  weappSession(good)
  process.env.NODE_ENV = environment
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  t.deepEqual(said, ['WEAPP_MEMORY_STORE'])
})

test('close(): it closes what the store opened, twice if need be', async (t) => {
  let closed = 0
  const store: SessionStore = { ...memoryStore(), close: async () => void closed++ }
  const session = weappSession({ ...good, store })

  await session.close()
  await session.close()
  await weappSession(good).close()

  t.is(closed, 2)
})
