import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import Koa from 'koa'
import { weappSession } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { type ServerProcess, startProcess, startProcesses } from './support/processes.js'
import { type OwnRedis, startRedis } from './support/redis.js'
import { listen } from './support/server.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly, startWechat } from './support/wechat.js'
import { startWire } from './support/wire.js'

/** A function that is frozen and thawed again, as serverless platforms do: SIGSTOP and SIGCONT. */

/** ms: longer than a pause of a machine that is merely busy. */
const FROZEN = 2000

test.serial(
  'redisStore({ url }): a process that was frozen while Redis closed its connection serves what comes next',
  async (t) => {
    const redis = await ownRedis(t)
    const { server, headers } = await startLoggedIn(t, redis.url)

    server.kill('SIGSTOP')
    await redis.use((client) => client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal']))
    await sleep(FROZEN)

    t.deepEqual(await thaw(server, headers), FIVE_TIMES_200)
  },
)

test.serial(
  'redisStore({ url }): a process that was frozen while the network forgot its connection serves what comes next',
  async (t) => {
    const redis = await ownRedis(t)
    const wire = await startWire(t, redis.port)
    const { server, headers } = await startLoggedIn(t, `redis://127.0.0.1:${wire.port}`)

    server.kill('SIGSTOP')
    wire.forget()
    await sleep(FROZEN)

    t.deepEqual(await thaw(server, headers), FIVE_TIMES_200)
  },
)

test.serial('wechat: a connection that has been idle for long is not used, as after a freeze', async (t) => {
  const wechat = startWechat(t)
  const wire = await startWire(t, Number(new URL(await wechat.listen()).port))
  const { appId, appSecret } = wechat
  const app = new Koa()
  app.use(weappSession({ appId, appSecret, wechat: { baseUrl: `http://127.0.0.1:${wire.port}` } }))
  const url = await listen(t, app)
  const statusOfLogin = async () =>
    (await fetch(url, { headers: await codeLoginHeaders(wechat.phone()) })).status
  // Koa's own answer, where nothing comes after the session.
  t.is(await statusOfLogin(), 404)
  // Only the date goes on, as in a process that could not run: timers are where they were.
  wire.forget()
  takeDate(t).pass(60_000)

  t.is(await statusOfLogin(), 404)
})

test.serial(
  'claim(): processes that were frozen together do not call a code spent that one of them exchanges',
  async (t) => {
    const redis = await ownRedis(t)
    const wechat = startWechat(t)
    const store = { url: redis.url, prefix: redis.prefix, timeout: 250 }
    // A lease of 1.5 s.
    const servers = await startProcesses(t, 2, { wechat, store, exchangeTimeout: 500 })
    const [first, second] = servers as [ServerProcess, ServerProcess]
    for (const server of servers) await server.send(await codeLoginHeaders(wechat.phone()))
    const headers = await codeLoginHeaders(wechat.phone())
    wechat.fail({ delay: 400 })
    const exchanging = first.send(headers)
    await until(() => wechat.exchanges === 3)
    const waiting = second.send(headers)
    await sleep(100)

    for (const server of servers) server.kill('SIGSTOP')
    await sleep(FROZEN)
    const coming = second.send(headers)
    second.kill('SIGCONT')
    await sleep(100)
    first.kill('SIGCONT')

    const statuses = (await Promise.all([exchanging, waiting, coming])).map(({ status }) => status)
    t.deepEqual(statuses, [200, 200, 200])
  },
)

const FIVE_TIMES_200 = [200, 200, 200, 200, 200]

async function ownRedis(t: ExecutionContext): Promise<OwnRedis> {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  return redis
}

async function startLoggedIn(
  t: ExecutionContext,
  url: string,
): Promise<{ server: ServerProcess; headers: Record<string, string> }> {
  const wechat = startWechat(t)
  const server = await startProcess(t, { wechat, store: { url, prefix: 'frozen:', timeout: 250 } })
  const headers = await codeLoginHeaders(wechat.phone())
  t.is((await server.send(headers)).status, 200)
  return { server, headers: codeOnly(headers) }
}

/** What is answered to requests that are there when it goes on. */
async function thaw(server: ServerProcess, headers: Record<string, string>): Promise<number[]> {
  const sent = FIVE_TIMES_200.map(async () => (await server.send(headers)).status)
  await sleep(50)
  server.kill('SIGCONT')
  return Promise.all(sent)
}
