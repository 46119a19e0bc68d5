import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { redisStore, type SessionStore, type WeappSession } from '../src/index.js'
import { freePort, type OwnRedis, startRedis, withClient } from './support/redis.js'
import { startServer } from './support/server.js'
import { until } from './support/until.js'

/** What `session.ready()` says of a Redis that cannot be used: at once when that lasts, in the end when it may pass. */

/** ms for what lasts, on a machine that is busy with other tests; and what is given to it. */
const AT_ONCE = 4000
const PATIENCE = 20_000

const LASTING: Record<string, { url(redis: OwnRedis): string; cause: RegExp }> = {
  'a wrong password': { url: ({ port }) => `redis://:wrong@127.0.0.1:${port}`, cause: /WRONGPASS/ },
  'no password': { url: ({ port }) => `redis://127.0.0.1:${port}`, cause: /NOAUTH/ },
  'a user who may not read': { url: ({ port }) => `redis://low:low@127.0.0.1:${port}`, cause: /NOPERM/ },
  'a database that is not there': {
    url: ({ port }) => `redis://:right@127.0.0.1:${port}/99`,
    cause: /DB index/,
  },
}

for (const [what, { url, cause }] of Object.entries(LASTING)) {
  test(`ready(): it rejects at once for what lasts: ${what}`, async (t) => {
    const redis = await lockedRedis(t)
    const session = await sessionOn(t, redisStore({ url: url(redis) }))

    const { error, took } = await rejection(session, PATIENCE)

    t.regex(error.message, cause)
    t.regex(causesOf(error), cause)
    t.true(took < AT_ONCE, `${took} ms`)
  })
}

test('ready(): it rejects at once for a package that is not installed', async (t) => {
  const { code, stdout } = await runWithoutRedis(
    t,
    `const store = redisStore({ url: 'redis://127.0.0.1:1' })
     const session = weappSession({ appId: 'wx-test', appSecret: 'of-a-test', store })
     const began = performance.now()
     const error = await session.ready({ timeout: ${PATIENCE} }).catch((error) => error)
     console.log(error.message)
     process.exit(performance.now() - began < ${AT_ONCE} ? 0 : 1)`,
  )

  t.regex(stdout, /npm install redis/)
  t.is(code, 0)
})

test('ready(): TLS to a port without it is found out, and rejects', async (t) => {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  const session = await sessionOn(t, redisStore({ url: redis.url.replace('redis:', 'rediss:') }))

  const { error, took } = await rejection(session, PATIENCE)

  t.regex(error.message, /no TLS/)
  // A server that is silent may be slow to start, so it has its time to connect.
  t.true(took < 2000 + AT_ONCE, `${took} ms`)
})

test('ready(): it waits for what passes, and then says what it was', async (t) => {
  const absent = redisStore({ url: `redis://127.0.0.1:${await freePort()}` })
  const unknown = redisStore({ url: 'redis://nobody.invalid:6379' })

  for (const [store, cause] of [
    [absent, /ECONNREFUSED/],
    [unknown, /ENOTFOUND|EAI_AGAIN/],
  ] as const) {
    const { error, took } = await rejection(await sessionOn(t, store), 700)
    t.regex(error.message, cause)
    t.regex(causesOf(error), cause)
    t.true(took >= 690, `${took} ms`)
  }
})

test('ready(): a Redis that says nothing is waited for, too', async (t) => {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  redis.server.kill('SIGSTOP')

  const { error, took } = await rejection(await sessionOn(t, redisStore({ url: redis.url })), 700)

  t.regex(error.message, /does not answer|no connection/)
  t.true(took >= 690, `${took} ms`)
})

test('ready(): what lasted is over when somebody has mended it', async (t) => {
  const redis = await lockedRedis(t)
  const session = await sessionOn(t, redisStore({ url: `redis://:wrong@127.0.0.1:${redis.port}` }))
  await rejection(session, PATIENCE)

  await admin(redis, ['CONFIG', 'SET', 'requirepass', 'wrong'])

  // A try that was under way with the old password may still say so.
  await until(() =>
    session.ready({ timeout: PATIENCE }).then(
      () => true,
      () => false,
    ),
  )
  t.pass()
})

/** One that asks for the password `right`, and has a user `low` who may do next to nothing. */
async function lockedRedis(t: ExecutionContext): Promise<OwnRedis> {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  await redis.use(async (client) => {
    const mayLittle = ['on', '>low', '~*', '+ping', '+client', '+hello']
    await client.sendCommand(['ACL', 'SETUSER', 'low', ...mayLittle])
    await client.sendCommand(['CONFIG', 'SET', 'requirepass', 'right'])
  })
  return redis
}

async function admin({ port }: OwnRedis, command: string[]): Promise<void> {
  await withClient(`redis://:right@127.0.0.1:${port}`, (client) => client.sendCommand(command))
}

async function sessionOn(t: ExecutionContext, store: SessionStore): Promise<WeappSession> {
  return (await startServer(t, { store })).session
}

async function rejection(session: WeappSession, timeout: number): Promise<{ error: Error; took: number }> {
  const began = performance.now()
  const error = await session.ready({ timeout }).then(
    () => new Error('it was ready'),
    (error: Error) => error,
  )
  return { error, took: performance.now() - began }
}

/** The messages of an error's causes. */
function causesOf({ cause }: Error): string {
  return cause instanceof Error ? `${cause.message}\n${causesOf(cause)}` : ''
}

/** Runs a script in a process where the package `redis` is not found. */
async function runWithoutRedis(t: ExecutionContext, body: string): Promise<{ code: number; stdout: string }> {
  const hook = `export async function resolve(name, context, next) {
    if (name !== 'redis') return next(name, context)
    throw Object.assign(new Error("Cannot find package 'redis'"), { code: 'ERR_MODULE_NOT_FOUND' })
  }`
  const script = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
    const { redisStore, weappSession } = await import('${new URL('../src/index.ts', import.meta.url)}')
    ${body}`
  const args = ['--import=tsx', '--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stdout }
}
