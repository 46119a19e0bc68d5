import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import supertest from 'supertest'
import { readSettings } from '../../examples/one-stroke/server/settings.js'
import { temporaryFolder } from '../support/one-stroke.js'
import { FROM_SOURCES, runOneStroke } from '../support/one-stroke-process.js'
import { freePort, startRedis, useRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const redis = useRedis(test)

const GOOD = { REDIS_URL: 'redis://127.0.0.1:6379', WEAPP_ID: 'wx-test', WEAPP_SECRET: 'a-secret' }

test('readSettings(): the settings of an environment, and what they are without', (t) => {
  const { drawings, ...rest } = readSettings(GOOD)

  t.deepEqual(rest, {
    port: 3000,
    host: '127.0.0.1',
    redisUrl: GOOD.REDIS_URL,
    appId: GOOD.WEAPP_ID,
    appSecret: GOOD.WEAPP_SECRET,
    trustProxy: false,
    shutdownDelay: 0,
  })
  t.deepEqual(drawings, { folder: join(process.cwd(), 'data') })
  const urls = [
    'mongodb://a/one-stroke',
    'mongodb://u:p@a:1,b:2/one-stroke?replicaSet=r',
    'mongodb+srv://a/one-stroke',
  ]
  for (const MONGO_URL of urls)
    t.deepEqual(readSettings({ ...GOOD, MONGO_URL }).drawings, { mongoUrl: MONGO_URL })
  t.deepEqual(readSettings({ ...GOOD, DATA_DIR: '/data' }).drawings, { folder: '/data' })
  const others = {
    PORT: '0',
    HOST: '::1',
    TRUST_PROXY: '1',
    SHUTDOWN_DELAY: '500',
    WECHAT_URL: 'http://127.0.0.1:1',
  }
  const { port, host, trustProxy, shutdownDelay, wechatUrl } = readSettings({ ...GOOD, ...others })
  t.deepEqual([port, host, trustProxy, shutdownDelay, wechatUrl], [0, '::1', true, 500, 'http://127.0.0.1:1'])
})

test('readSettings(): a setting that makes no sense is one sentence, which names it and does not repeat it', (t) => {
  const bad: Record<string, (string | undefined)[]> = {
    REDIS_URL: [undefined, '', 'hunter2', 'http://hunter2', '127.0.0.1:6379'],
    WEAPP_ID: [undefined, ''],
    WEAPP_SECRET: [undefined, ''],
    MONGO_URL: ['hunter2', 'http://hunter2', 'mongodb:', 'mongodb://'],
    WECHAT_URL: ['hunter2', 'ftp://hunter2'],
    PORT: ['', 'hunter2', '-1', '65536', '3000.5', '1e3'],
    TRUST_PROXY: ['yes', 'true', '2'],
    SHUTDOWN_DELAY: ['', '1s', '-1'],
  }
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) {
      const error = t.throws(
        () => readSettings({ ...GOOD, [name]: value }),
        { name: 'SettingsError' },
        `${name}=${value}`,
      )
      t.regex(error?.message ?? '', new RegExp(`^${name} [^\\n]*: [^\\n]*\\.$`), `${name}=${value}`)
      t.notRegex(error?.message ?? '', /hunter2/)
    }
  }
})

test('main(): a server that cannot start says why in one sentence, and ends', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => void taken.close())
  const { port } = taken.address() as { port: number }
  const base = { ...GOOD, REDIS_URL: redis().url, DATA_DIR: join(folder, 'data'), PORT: 0 }

  const cases: [Record<string, string | number>, RegExp][] = [
    [{ ...base, WEAPP_ID: '' }, /^WEAPP_ID is missing: .*\.\n$/],
    [{ ...base, DATA_DIR: join(folder, 'file', 'data') }, /^DATA_DIR: .* \(ENOTDIR\): .*\.\n$/],
    [{ ...base, PORT: port }, /^HOST and PORT: .* \(EADDRINUSE\): .*\.\n$/],
    [{ ...base, MONGO_URL: `mongodb://127.0.0.1:${await freePort()}/x` }, /^MONGO_URL: .*: .*\.\n$/],
  ]
  await Promise.all(
    cases.map(async ([env, sentence]) => {
      const { exit, output } = runOneStroke(t, FROM_SOURCES, env)
      t.is(await exit, 1)
      t.regex(output(), sentence)
    }),
  )
})

test('main(): a server without its Redis starts, says that it is not ready, and is when Redis is there', async (t) => {
  const port = await freePort()
  const env = {
    ...GOOD,
    REDIS_URL: `redis://127.0.0.1:${port}`,
    DATA_DIR: temporaryFolder(t),
    PORT: await freePort(),
  }
  const url = `http://127.0.0.1:${env.PORT}`
  const server = runOneStroke(t, FROM_SOURCES, env)
  await server.ready
  const readiness = await supertest(url).get('/readyz')
  t.deepEqual([readiness.status, readiness.body.failed], [503, ['sessions']])
  t.is((await supertest(url).get('/healthz')).status, 200)

  const late = await startRedis(port)
  t.teardown(() => late.stop())

  await until(async () => (await supertest(url).get('/readyz')).status === 200)
})
