import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import Koa from 'koa'
import supertest from 'supertest'
import { parse } from 'yaml'
import {
  codeCarrier,
  headerCarrier,
  memoryStore,
  redisStore,
  requireWxUser,
  type WeappSession,
  WeappSessionError,
  weappSession,
} from '../../src/index.js'
import { storeContract } from '../../src/testing/index.js'
import { originalClient } from '../support/original-client.js'
import { freePort, startRedis, useRedis } from '../support/redis.js'
import { listen, listenTo } from '../support/server.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly, loginHeaders, newCode, startWechat } from '../support/wechat.js'
import { allPages, readPage, root } from './support/markdown.js'
import { blockOf, loadBlock, writeBlock } from './support/run-block.js'

/** What the guides promise beside what their examples show when they are compiled. */

const redis = useRedis(test)

test('docs/deployment.md: the commands that it lists are all that the Redis store needs', async (t) => {
  const text = readPage('docs/deployment.md').text
  const [, list = ''] = /The store needs[^`]*`([A-Z ]+)`/.exec(text) ?? []
  const commands = list.split(' ').map((name) => `+${name.toLowerCase()}`)
  const server = await startRedis()
  t.teardown(() => server.stop())
  const rule = ['on', '>a-password', '~wxs:*', 'resetchannels', '-@all', ...commands]
  for (const [cache, more] of [
    [false, []],
    [true, ['+client']],
  ] as const) {
    const name = `weapp-${cache}`
    await server.use((client) => client.sendCommand(['ACL', 'SETUSER', name, ...rule, ...more]))
    const url = server.url.replace('redis://', `redis://${name}:a-password@`)
    const store = redisStore({ url, timeout: 5000, cache })
    t.teardown(() => store.close?.())
    const every2nd = storeContract.filter((_, i) => i % 2 === 0)
    await Promise.all(every2nd.map(({ name, run }) => t.notThrowsAsync(() => run(store), name)))
  }
  const denied = await server.use((client) => client.sendCommand(['ACL', 'LOG']))
  t.deepEqual(
    (denied as unknown as { object: string }[]).map(({ object }) => object),
    [],
  )
})

test('docs/deployment.md: a session takes about as much of Redis as it says', async (t) => {
  const [, said = ''] = /about ([\d.]+) KB a session/.exec(readPage('docs/deployment.md').text) ?? []
  // Of its own: in a shared one, others write at the same time.
  const server = await startRedis()
  t.teardown(() => server.stop())
  const { url: redisUrl, use } = server
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({
    appId,
    appSecret,
    wechat: { fetch },
    store: redisStore({ url: redisUrl, timeout: 5000 }),
  })
  t.teardown(() => session.close())
  const app = new Koa()
  app.use(session)
  const url = await listen(t, app)
  const used = () =>
    use(async (client) => Number(/used_memory_dataset:(\d+)/.exec(await client.info('memory'))?.[1]))
  const logIn = async (times: number) => {
    for (let i = 0; i < times; i++)
      await supertest(url)
        .get('/')
        .set(await loginHeaders(wechat.phone()))
  }
  // What the first need, scripts and connections, is no session's.
  await logIn(100)
  const before = await used()
  const count = 300
  await logIn(count)

  const each = ((await used()) - before) / count / 1024

  t.log(`${each.toFixed(2)} KB a session`)
  t.true(each > Number(said) / 2 && each < Number(said) * 1.5, `${each} KB`)
})

test.serial(
  'docs/deployment.md: the server there answers, says that it is healthy, and ends well',
  async (t) => {
    const block = blockOf('docs/deployment.md', 'A server that ends well')
    const port = await freePort()
    const child = runBlock(t, block.replace('listen(3000', `listen(${port}, '127.0.0.1'`), {
      WEAPP_ID: 'wx-test',
      WEAPP_SECRET: 'of-a-test',
      REDIS_URL: redis().url,
    })
    const [word] = await once(child, 'message')
    t.is(word, 'ready', 'what pm2 waits for')
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
    await until(() =>
      get('/health').then(
        ({ ok }) => ok,
        () => false,
      ),
    )

    t.deepEqual(await (await get('/')).json(), { user: null })
    const unknown = () => fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-WX-Code': 'unknown' } })
    // On a busy machine its first connection to Redis may take longer than the store waits.
    await until(async () => (await unknown()).status === 401)

    child.kill('SIGTERM')
    const [code, signal] = await once(child, 'exit')
    t.deepEqual([code, signal], [0, null])
  },
)

test.serial(
  'docs/deployment.md: where Redis cannot be used, the server there ends before it listens, and says why',
  async (t) => {
    const server = await startRedis()
    t.teardown(() => server.stop())
    await server.use((client) => client.sendCommand(['CONFIG', 'SET', 'requirepass', 'right']))
    const port = await freePort()
    const block = blockOf('docs/deployment.md', 'A server that ends well')
    const child = runBlock(t, block.replace('listen(3000', `listen(${port}, '127.0.0.1'`), {
      WEAPP_ID: 'wx-test',
      WEAPP_SECRET: 'of-a-test',
      REDIS_URL: `redis://:wrong@127.0.0.1:${server.port}`,
    })
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said += chunk
    })
    let isListening = false
    child.on('message', () => {
      isListening = true
    })

    const [code] = await once(child, 'close')

    t.is(code, 1)
    t.regex(said, /WRONGPASS/)
    t.false(isListening)
  },
)

test.serial('docs/deployment.md: a function says that it listens when Redis answers', async (t) => {
  const block = blockOf('docs/deployment.md', 'Health checks')
  const port = await freePort()
  const head = `import Koa from 'koa'
    import { redisStore, weappSession } from 'koa-weapp-session'
    const store = redisStore({ url: process.env.REDIS_URL })
    const session = weappSession({ appId: 'wx-test', appSecret: 'of-a-test', store })
    const app = new Koa().use(session)`
  runBlock(t, `${head}\n${block}`, { PORT: `${port}`, REDIS_URL: redis().url })
  const unknown = () => fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-WX-Code': 'unknown' } })

  await until(() =>
    unknown().then(
      ({ status }) => status === 401,
      () => false,
    ),
  )
  t.pass()
})

test('docs/deployment.md: Kubernetes and pm2 ask what the server there answers', (t) => {
  const { blocks } = readPage('docs/deployment.md')
  const textOf = (lang: string) => blocks.find((block) => block.lang === lang)?.text ?? ''
  const server = blockOf('docs/deployment.md', 'A server that ends well')
  type Probe = 'startupProbe' | 'readinessProbe' | 'livenessProbe'
  type Container = Record<Probe, { httpGet: { path: string; port: number } }> & {
    ports: { containerPort: number }[]
  }
  const [container] = (parse(textOf('yaml')) as { containers: Container[] }).containers
  if (!container) return t.fail('no container')
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
    const { path, port } = container[probe].httpGet
    t.true(server.includes(`'${path}'`), path)
    t.true(server.includes(`listen(${port}`), `${port}`)
    t.deepEqual(container.ports, [{ containerPort: port }])
  }
  t.regex(textOf('cjs'), /wait_ready: true/)
  // ready() gives up after ten seconds.
  t.true(Number(/listen_timeout: (\d+)/.exec(textOf('cjs'))?.[1]) > 10_000)
})

for (const { path, blocks } of allPages()) {
  const recipes = blocks.filter(({ lang, text }) => lang === 'ts' && text.includes("server.on('upgrade'"))
  for (const { text, under } of recipes) {
    test(`${path}: ${under}: a handshake says who it is, and without a session there is none`, async (t) => {
      const wechat = startWechat(t)
      const { appId, appSecret, fetch } = wechat
      const session = weappSession({ appId, appSecret, wechat: { fetch } })
      const server = createServer()
      const install = await loadBlock<(session: WeappSession, server: Server) => void>(t, text, [
        'session',
        'server',
      ])
      install(session, server)
      const url = (await listenTo(t, server)).replace('http', 'ws')
      const phone = wechat.phone('alice')
      const headers = await codeLoginHeaders(phone)
      const app = new Koa()
      app.use(session)
      await supertest(await listen(t, app))
        .get('/')
        .set(headers)

      const told = await new Promise((resolve, reject) => {
        const task = phone.wx.connectSocket({ url, header: codeOnly(headers), fail: reject })
        task.onMessage(({ data }) => resolve(data))
        task.onError(reject)
      })
      const refused = await new Promise<{ errMsg?: string }>((resolve, reject) => {
        const task = phone.wx.connectSocket({ url })
        task.onError(resolve)
        task.onOpen(reject)
      })

      t.is(told, `hello ${wechat.user('alice').openId}`)
      t.regex(refused.errMsg ?? '', /401/)
    })
  }
}

test('docs/deployment.md: socket.io’s middleware gets the user, or a refusal with its status', async (t) => {
  const { blocks } = readPage('docs/deployment.md')
  const { text = '' } = blocks.find(({ text }) => text.includes('io.use(')) ?? {}
  const install = await loadBlock<(session: object, io: object) => void>(t, text, ['session', 'io'])
  const user = { appId: 'wx', openId: 'o' }
  const answers = [user, null, new WeappSessionError('ERR_STORE_UNAVAILABLE', { retryAfter: 1 })]
  const session = {
    async identify() {
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  type Check = (socket: object, next: (error?: { data?: object }) => void) => void
  let check: Check = () => {}
  install(session, {
    use(given: Check) {
      check = given
    },
  })
  const connect = () => {
    const socket = { request: {}, data: {} }
    return new Promise((resolve) => check(socket, (error) => resolve(error ? error.data : socket.data)))
  }

  t.deepEqual(await connect(), { user })
  t.deepEqual(await connect(), { reason: 'ERR_LOGIN_REQUIRED', status: 401 })
  t.deepEqual(await connect(), { reason: 'ERR_STORE_UNAVAILABLE', status: 503 })
})

test('docs/migration.md: the client of 2016 and the new one side by side, each with its carrier', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const options = { appId, appSecret, wechat: { fetch }, store: memoryStore() }
  const forOld = weappSession({ ...options, carrier: codeCarrier() })
  const forNew = weappSession({ ...options, carrier: headerCarrier({ keys: 'k'.repeat(32) }) })
  const app = new Koa()
  app.use((ctx, next) => (ctx.get('X-WX-Code') ? forOld : forNew)(ctx, next))
  app.use(requireWxUser())
  app.use((ctx) => {
    ctx.body = { openId: ctx.$wxUserInfo?.openId }
  })
  t.true(readPage('docs/migration.md').text.includes("(ctx.get('X-WX-Code') ? forOld : forNew)(ctx, next)"))
  const url = await listen(t, app)
  const alice = wechat.phone('alice')
  const { openId } = wechat.user('alice')

  const request = originalClient(alice)
  const send = () =>
    new Promise((success, fail) => request({ url, success: ({ data }) => success(data), fail }))
  const old = [await send(), await send()]
  const login = await supertest(url)
    .get('/')
    .set({ 'Weapp-Code': await newCode(alice), 'Weapp-Login': 'code' })
  const given = { 'Weapp-Session': login.get('Weapp-Session') ?? '' }
  const known = await supertest(url).get('/').set(given)
  await forOld.revoke(openId)
  const revoked = await supertest(url).get('/').set(given)

  t.deepEqual(old, [{ openId }, { openId }])
  t.deepEqual([login.body, known.body], [{ openId }, { openId }])
  t.is(revoked.body.reason, 'ERR_SESSION_EXPIRED')
  t.deepEqual(await send(), { openId }, 'and the old one logs in again')
})

/** Runs an example as a program, on the sources. */
function runBlock(t: ExecutionContext, text: string, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, ['--import=tsx', writeBlock(t, text)], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'test/support/sources.tsconfig.json'), ...env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  child.stderr?.pipe(process.stderr)
  t.teardown(() => child.kill('SIGKILL'))
  return child
}
