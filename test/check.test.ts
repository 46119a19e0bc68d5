import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { createClient } from 'redis'
import {
  type Checked,
  memoryStore,
  type RedisClient,
  redisStore,
  type SessionStore,
  type WeappSessionOptions,
  weappSession,
} from '../src/index.js'
import {
  freePort,
  NOTHING_KEPT,
  newFolder,
  runRedis,
  startRedis,
  untilReady,
  useRedis,
} from './support/redis.js'
import { stopwatch } from './support/stopwatch.js'
import { startWechat } from './support/wechat.js'

const redis = useRedis(test)

test('check(): nothing is wrong, nothing is stored, no access_token is fetched, no code is used up', async (t) => {
  const { options, entries } = redis()
  const wechat = startWechat(t)
  const session = weappSession({ ...ofWechat(wechat), store: redisStore(options) })
  t.teardown(() => session.close())

  t.deepEqual(await session.check(), { ok: true, problems: [] })
  t.deepEqual(await session.check(), { ok: true, problems: [] })
  t.deepEqual(
    wechat.calls.map(({ path }) => path),
    ['/sns/jscode2session', '/sns/jscode2session'],
  )
  t.deepEqual(await entries(), [])
})

test('check(): a wrong appId, a wrong appSecret and a missing address each have a fix', async (t) => {
  const wechat = startWechat(t)
  const { appSecret } = wechat
  const check = (options: object) => weappSession({ ...ofWechat(wechat), ...options }).check()

  const [wrongId, wrongSecret] = [await check({ appId: 'wx-other' }), await check({ appSecret: 'another' })]
  wechat.fail({ errcode: 40164 })
  const wrongAddress = await check({})
  wechat.fail({ errcode: -1 })
  const busy = await check({})
  wechat.fail({ errcode: 45011 })
  const often = await check({})
  wechat.fail({ errcode: 12345 })
  const unknown = await check({})
  wechat.fail({ errcode: 40163 })
  const used = await check({})

  isProblem(
    t,
    wrongId,
    'WEAPP_40013',
    /WeChat refuses wx-other \(errcode 40013, rid/,
    /The appId is wrong: compare/,
  )
  isProblem(t, wrongSecret, 'WEAPP_40125', /errcode 40125/, /appSecret is wrong or was reset: copy/)
  isProblem(t, wrongAddress, 'WEAPP_40164', /errcode 40164/, /IP whitelist: add it/)
  isProblem(t, busy, 'WEAPP_-1', /errcode -1/, /ask again/)
  isProblem(t, often, 'WEAPP_45011', /errcode 45011/, /ask again/)
  isProblem(t, unknown, 'WEAPP_12345', /errcode 12345/, /Look it up: https/)
  t.true(used.ok)
  t.false(JSON.stringify([wrongId, wrongSecret]).includes(appSecret))
})

test('check(): WeChat that is gone, silent, no WeChat, or a fetch that throws, is a problem and no rejection', async (t) => {
  const wechat = startWechat(t)
  const check = (options: WeappSessionOptions['wechat']) =>
    weappSession({ ...ofWechat(wechat), wechat: { fetch: wechat.fetch, timeout: 200, ...options } }).check()

  wechat.fail('hang')
  const silent = await check({})
  wechat.fail({ status: 502 })
  const proxy = await check({})
  wechat.fail({ status: 200, body: '{"openid":"o","session_key":"k"}' })
  const other = await check({})
  const thrown = await check({
    fetch: () => {
      throw new Error(`secret ${wechat.appSecret}`)
    },
  })
  const { fetch: _, ...straight } = {
    fetch: undefined,
    baseUrl: `http://127.0.0.1:${await freePort()}`,
    timeout: 2000,
  }
  const gone = await weappSession({ ...ofWechat(wechat), wechat: straight }).check()

  isProblem(t, silent, 'WEAPP_504', /did not answer within 200 ms/, /api\.weixin\.qq\.com/)
  isProblem(t, proxy, 'WEAPP_502', /no usable answer \(HTTP 502/, /proxy/)
  isProblem(t, other, 'WEAPP_502', /no usable answer/, /proxy/)
  isProblem(t, thrown, 'WEAPP_502', /./, /./)
  isProblem(t, gone, 'WEAPP_502', /could not be reached \(ECONNREFUSED\)/, /firewall.*127\.0\.0\.1/)
  t.false(JSON.stringify(thrown).includes(wechat.appSecret))
})

test('check(): each of several mini programs is asked about', async (t) => {
  const wechat = startWechat(t)
  const session = weappSession({
    apps: { [wechat.appId]: wechat.appSecret, 'wx-other': 'x' },
    wechat: { fetch: wechat.fetch },
  })

  isProblem(t, await session.check(), 'WEAPP_40013', /wx-other/, /./)
})

test('check(): a store that throws, hangs, or checks itself badly is a problem and no rejection', async (t) => {
  const wechat = startWechat(t)
  const check = (store: Partial<SessionStore>) =>
    weappSession({ ...ofWechat(wechat), store: { ...memoryStore(), ...store } }).check()
  const problem = { code: 'OWN', message: 'A message.', fix: 'A fix.' }
  const throws = (): never => {
    throw new Error('at once')
  }

  const [rejecting, throwing, odd, hanging, telling, mute] = await Promise.all([
    check({ read: () => Promise.reject(new Error('no disk')) }),
    check({ read: throws }),
    check({ read: () => Promise.reject(undefined) }),
    check({ timeout: 50, read: () => new Promise(() => {}) }),
    check({ check: async () => [problem], read: () => Promise.reject(new Error('no disk')) }),
    check({ check: throws }),
  ])

  isProblem(t, rejecting, 'WEAPP_STORE', /cannot be read: no disk/, /503/)
  isProblem(t, throwing, 'WEAPP_STORE', /at once/, /./)
  isProblem(t, odd, 'WEAPP_STORE', /./, /./)
  isProblem(t, hanging, 'WEAPP_STORE', /no answer within 50 ms/, /./)
  t.deepEqual(telling, { ok: false, problems: [problem] })
  t.true(mute.ok)
})

test('check(): a Redis that evicts, and one that is a replica or a node of a cluster', async (t) => {
  const evicting = await startRedis()
  t.teardown(() => evicting.stop())
  await evicting.use((client) => client.configSet('maxmemory-policy', 'allkeys-lru'))
  const replica = await startRedis()
  t.teardown(() => replica.stop())
  await replica.use((client) => client.replicaOf('127.0.0.1', evicting.port))
  const port = await freePort()
  const node = runRedis([
    '--port',
    `${port}`,
    '--dir',
    newFolder(),
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    `${await freePort()}`,
    ...NOTHING_KEPT,
  ])
  t.teardown(node.end)
  await untilReady(`redis://127.0.0.1:${port}`)

  isProblem(t, await checkRedis(t, evicting.url), 'WEAPP_REDIS_EVICTION', /allkeys-lru/, /noeviction/)
  isProblem(t, await checkRedis(t, replica.url), 'WEAPP_REDIS_REPLICA', /replica/, /master/)
  const { problems } = await checkRedis(t, `redis://127.0.0.1:${port}`)
  t.true(problems.some(({ code, fix }) => code === 'WEAPP_REDIS_CLUSTER' && /createCluster/.test(fix)))
})

test('check(): what a user of Redis may not run is named; that INFO and CONFIG are denied is no problem', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  const setUser = (name: string, ...rules: string[]) =>
    own.use((client) => client.aclSetUser(name, ['on', '>pass', '~*', ...rules]))
  await setUser('good', ...(await documentedCommands()))
  await setUser('reader', '+@read', '+ping', '+@scripting', '+time')
  await setUser('scriptless', '+@read', '+@write', '+ping')
  await own.use((client) => client.aclSetUser('elsewhere', ['on', '>pass', '~other:*', '+@all']))
  const as = (user: string) => checkRedis(t, own.url.replace('//', `//${user}:pass@`))

  t.deepEqual(await as('good'), { ok: true, problems: [] })
  isProblem(t, await as('reader'), 'WEAPP_REDIS_NOPERM', /SET/, /ACL SETUSER/)
  isProblem(t, await as('scriptless'), 'WEAPP_REDIS_NOPERM', /EVAL/, /ACL SETUSER/)
  isProblem(t, await as('elsewhere'), 'WEAPP_REDIS_NOPERM', /EVAL/, /~wxs/)
})

test('check(): why there is no Redis', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  await own.use((client) => client.configSet('requirepass', 'right'))
  const { url } = own
  const client = createClient({ url: 'redis://127.0.0.1:1', socket: { reconnectStrategy: false } })

  const [gone, password, none, database, ofClient] = await Promise.all([
    checkRedis(t, `redis://127.0.0.1:${await freePort()}`),
    checkRedis(t, url.replace('//', '//:wrong-password@')),
    checkRedis(t, url),
    checkRedis(t, `${url.replace('//', '//:right@')}/99`),
    checkRedis(t, client as unknown as RedisClient),
  ])

  isProblem(t, gone, 'WEAPP_REDIS', /ECONNREFUSED/, /Start Redis/)
  isProblem(t, password, 'WEAPP_REDIS', /WRONGPASS/, /user and the password/)
  isProblem(t, none, 'WEAPP_REDIS', /NOAUTH/, /user and the password/)
  isProblem(t, database, 'WEAPP_REDIS', /DB index/, /database/)
  isProblem(t, ofClient, 'WEAPP_REDIS', /./, /./)
  t.false(JSON.stringify(password).includes('wrong-password'))
})

test('check(): a Redis that is full, or silent', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  await own.use((client) => client.configSet('maxmemory', '1'))
  isProblem(t, await checkRedis(t, own.url), 'WEAPP_REDIS_WRITE', /OOM/, /memory/)

  own.server.kill('SIGSTOP')
  const took = stopwatch()
  const silent = await checkRedis(t, own.url, 100)
  own.server.kill('SIGCONT')
  t.false(silent.ok)
  const ms = took()
  t.true(ms < 8000, `${ms} ms`)
})

/** Without INFO, which most providers deny. */
async function documentedCommands(): Promise<string[]> {
  const text = await readFile(new URL('../docs/deployment.md', import.meta.url), 'utf8')
  const [, list = ''] = /The store needs[^`]*`([A-Z ]+) INFO`/.exec(text) ?? []
  return list.split(' ').map((name) => `+${name.toLowerCase()}`)
}

function ofWechat({ appId, appSecret, fetch }: ReturnType<typeof startWechat>): WeappSessionOptions {
  return { appId, appSecret, wechat: { fetch } }
}

async function checkRedis(
  t: ExecutionContext,
  source: string | RedisClient,
  timeout = 3000,
): Promise<Checked> {
  const store = redisStore(
    typeof source === 'string' ? { url: source, timeout } : { client: source, timeout },
  )
  const session = weappSession({ ...ofWechat(startWechat(t)), store })
  try {
    return await session.check()
  } finally {
    await session.close()
  }
}

function isProblem(
  t: ExecutionContext,
  { ok, problems }: Checked,
  code: string,
  message: RegExp,
  fix: RegExp,
): void {
  t.false(ok)
  t.deepEqual(
    problems.map((problem) => problem.code),
    [code],
    JSON.stringify(problems),
  )
  t.regex(problems[0]?.message ?? '', message)
  t.regex(problems[0]?.fix ?? '', fix)
  t.notRegex(`${problems[0]?.message} ${problems[0]?.fix}`, /\.\.|undefined/)
}
