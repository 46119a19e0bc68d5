import test from 'ava'
import {
  memoryStore,
  redisStore,
  type SessionStore,
  type WeappSessionOptions,
  weappSession,
} from '../src/index.js'

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
  test(`at start-up, ${name} is a TypeError that names it`, (t) => {
    const error = t.throws(() => weappSession(options as WeappSessionOptions), {
      instanceOf: TypeError,
      message,
    })
    t.regex(error?.message ?? '', /^koa-weapp-session: /)
    t.false(error?.message.includes(good.appSecret))
  })
}

test('a store has to be asked for in a way that makes sense', (t) => {
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
    { caches: true, url: 'redis://127.0.0.1' },
    undefined,
  ]) {
    t.throws(() => redisStore(options as { url: string }), { instanceOf: TypeError, message: /redisStore/ })
  }
  for (const timeout of [0, -1, Number.NaN]) {
    t.throws(() => redisStore({ url: 'redis://127.0.0.1:1', timeout }), { message: /timeout/ })
  }
})

test("the caller's options are read once and never written", (t) => {
  const options = Object.freeze({ ...good, wechat: Object.freeze({ timeout: 100 }) })

  t.notThrows(() => weappSession(options))
})

test('the memory store warns in production, once at start-up, and nowhere else', async (t) => {
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

test('closing closes what the store opened, twice if need be', async (t) => {
  let closed = 0
  const store: SessionStore = { ...memoryStore(), close: async () => void closed++ }
  const session = weappSession({ ...good, store })

  await session.close()
  await session.close()
  await weappSession(good).close()

  t.is(closed, 2)
})
