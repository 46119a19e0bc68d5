import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import supertest from 'supertest'
import type { Wechat } from '../src/simulator/index.js'
import { type Redis, useRedis } from './support/redis.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone, startWechat } from './support/wechat.js'

const redis = useRedis(test)

test('two processes share sessions, and what ends in one has ended in the other', async (t) => {
  const wechat = startWechat(t)
  const [one, other] = await startProcesses(t, 2, wechat, redis())
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const login = await one.send(headers)
  const later = await other.send(codeOnly(headers))

  t.deepEqual([login.status, later.status], [200, 200])
  t.deepEqual(later.body.user, login.body.user)
  t.not(later.body.pid, login.body.pid)
  t.is(wechat.exchanges, 1)
})

test('50 parallel first requests over two processes: 50 answers, one exchange', async (t) => {
  const wechat = startWechat(t)
  const servers = await startProcesses(t, 2, wechat, redis())
  wechat.fail({ delay: 100 })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const requests = Array.from({ length: 50 }, (_, n) => servers[n % 2]?.send(headers))
  const responses = await Promise.all(requests)

  t.deepEqual(new Set(responses.map((response) => response?.status)), new Set([200]))
  t.is(new Set(responses.map((response) => response?.body.pid)).size, 2)
  t.is(wechat.exchanges, 1)
})

test('a code-only request in one process waits for its login in the other', async (t) => {
  const wechat = startWechat(t)
  const [one, other] = await startProcesses(t, 2, wechat, redis())
  wechat.fail({ delay: 300 })
  const headers = await codeLoginHeaders(wechat.phone())

  const login = one.send(headers)
  await until(() => wechat.exchanges === 1)
  const response = await other.send(codeOnly(headers))

  t.is(response.status, 200)
  t.deepEqual(response.body.user, (await login).body.user)
})

test('two mini programs on one Redis share nothing', async (t) => {
  const shared = redis()
  const [first, second] = [startWechat(t), startWechat(t)]
  const [one] = await startProcesses(t, 1, first, shared)
  const [other] = await startProcesses(t, 1, second, shared)
  const headers = await codeLoginHeaders(first.phone())

  t.is((await one.send(headers)).status, 200)

  t.is((await other.send(codeOnly(headers))).status, 401)
})

interface ServerProcess {
  send(headers: Record<string, string>): Promise<supertest.Response>
}

async function startProcesses<N extends 1 | 2>(
  t: ExecutionContext,
  count: N,
  wechat: Wechat,
  { url, prefix }: Redis,
): Promise<N extends 1 ? [ServerProcess] : [ServerProcess, ServerProcess]> {
  const { appId, appSecret } = wechat
  const env = {
    APP_ID: appId,
    APP_SECRET: appSecret,
    WECHAT_URL: await wechat.listen(),
    REDIS: url,
    PREFIX: prefix,
  }
  const servers = Array.from({ length: count }, () => startProcess(t, env))
  return Promise.all(servers) as Promise<N extends 1 ? [ServerProcess] : [ServerProcess, ServerProcess]>
}

async function startProcess(t: ExecutionContext, env: Record<string, string>): Promise<ServerProcess> {
  const script = fileURLToPath(new URL('./support/server-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import=tsx', script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const isOver = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await isOver
  })
  const [url] = (await once(child.stdout, 'data')).map(String)
  return { send: async (headers) => supertest(String(url).trim()).get('/').set(headers) }
}
