import { once } from 'node:events'
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import test from 'ava'
import supertest from 'supertest'
import { ACTIONS, LIST, type Painter, painterWith, SAVE, temporaryFolder } from '../support/one-stroke.js'
import { FROM_SOURCES, runOneStroke } from '../support/one-stroke-process.js'
import { freePort, useRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly, startWechat } from '../support/wechat.js'

const redis = useRedis(test)

const GOOD = { WEAPP_ID: 'wx-test', WEAPP_SECRET: 'a-secret' }

/** A process whose timers run ten times as fast once it has been told to end: nobody waits for all of its patience. */
const HASTY = `
  const { setTimeout } = globalThis
  process.once('SIGINT', () => {
    globalThis.setTimeout = (work, ms, ...more) => setTimeout(work, ms / 10, ...more)
  })`

test.serial(
  'SIGTERM: drawings and sessions survive a restart, and what is under way when it ends is finished',
  async (t) => {
    const folder = temporaryFolder(t)
    const wechat = startWechat(t)
    const { appId: WEAPP_ID, appSecret: WEAPP_SECRET } = wechat
    const PORT = await freePort()
    const WECHAT_URL = await wechat.listen()
    const env = { PORT, REDIS_URL: redis().url, WEAPP_ID, WEAPP_SECRET, WECHAT_URL, DATA_DIR: folder }
    const url = `http://127.0.0.1:${PORT}`
    const first = runOneStroke(t, FROM_SOURCES, env)
    await first.ready
    const alice = await logIn(wechat.phone('alice'), url)
    t.is((await alice.save({ id: 'one', actions: ACTIONS })).status, 200)

    // A request of which half has arrived, and a connection that is idle.
    const body = JSON.stringify({ id: 'two', actions: ACTIONS })
    const slow = httpRequest(url + SAVE, {
      method: 'POST',
      headers: { ...alice.headers, 'Content-Length': body.length },
    })
    const answered = once(slow, 'response') as Promise<[IncomingMessage]>
    await new Promise((resolve) => slow.write(body.slice(0, 10), resolve))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    t.is((await send(httpRequest(`${url}/readyz`, { agent }))).statusCode, 200)

    first.child.kill('SIGTERM')
    await until(() => isRefusing(PORT))
    const readiness = await send(httpRequest(`${url}/readyz`, { agent }))
    t.deepEqual([readiness.statusCode, readiness.headers.connection], [503, 'close'])
    slow.end(body.slice(10))
    const [response] = await answered
    t.deepEqual([response.statusCode, response.headers.connection], [200, 'close'])
    response.resume()
    t.is(await first.exit, 0)
    t.regex(first.output(), /"event":"ending","reason":"SIGTERM"/)

    const second = runOneStroke(t, FROM_SOURCES, env)
    await second.ready
    const { status, body: listed } = await alice.list()
    t.is(status, 200)
    t.deepEqual(
      listed.data.map(({ id }: { id: string }) => id),
      ['two', 'one'],
    )
    t.is(wechat.exchanges, 1)
    // As pm2 ends it, where signals are not known.
    second.child.send('shutdown')
    t.is(await second.exit, 0)
    const said = first.output() + second.output()
    for (const secret of [...wechat.secrets(), alice.headers['X-WX-Code'] ?? '-'])
      t.false(said.includes(secret))
  },
)

test.serial('SIGTERM: a client that sends nothing more does not keep the server from ending', async (t) => {
  const env = { ...GOOD, REDIS_URL: redis().url, DATA_DIR: temporaryFolder(t), PORT: await freePort() }
  const hasty = ['--import', `data:text/javascript,${encodeURIComponent(HASTY)}`]
  const server = runOneStroke(t, [...hasty, ...FROM_SOURCES], env)
  await server.ready
  const idle = connect(env.PORT, '127.0.0.1')
  const stuck = connect(env.PORT, '127.0.0.1')
  stuck.on('error', () => {})
  await Promise.all([once(idle, 'connect'), once(stuck, 'connect')])
  await new Promise((resolve) => stuck.write(`GET ${LIST} HTTP/1.1\r\nHost: x\r\n`, resolve))
  t.is((await supertest(`http://127.0.0.1:${env.PORT}`).get('/healthz')).status, 200)
  const began = Date.now()

  server.child.kill('SIGINT')
  // Once more, as people do.
  server.child.kill('SIGINT')

  t.is(await server.exit, 0)
  t.true(Date.now() - began < 14_000, `${Date.now() - began} ms`)
})

test.serial('SHUTDOWN_DELAY: load balancers hear of the end before it comes', async (t) => {
  const DATA_DIR = temporaryFolder(t)
  const env = { ...GOOD, REDIS_URL: redis().url, DATA_DIR, PORT: await freePort(), SHUTDOWN_DELAY: 1000 }
  const url = `http://127.0.0.1:${env.PORT}`
  const server = runOneStroke(t, FROM_SOURCES, env)
  await server.ready
  await until(async () => (await supertest(url).get('/readyz')).status === 200)

  server.child.kill('SIGTERM')

  await until(async () => (await supertest(url).get('/readyz')).status === 503)
  t.deepEqual((await supertest(url).get('/readyz')).body.failed, ['process'])
  t.is((await supertest(url).get(LIST)).status, 401)
  t.is(await server.exit, 0)
})

async function logIn(phone: Parameters<typeof codeLoginHeaders>[0], url: string): Promise<Painter> {
  const login = await codeLoginHeaders(phone)
  const { status } = await supertest(url).get(LIST).set(login)
  if (status !== 200) throw new Error(`the login was answered with ${status}`)
  return painterWith(codeOnly(login), url)
}

async function send(request: ClientRequest): Promise<IncomingMessage> {
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response
}

/** Whether nobody listens there any more. */
async function isRefusing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}
