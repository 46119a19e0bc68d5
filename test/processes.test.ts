import test, { type ExecutionContext } from 'ava'
import type { Wechat } from '../simulator/src/index.js'
import { type ServerProcess, startProcess, startProcesses } from './support/processes.js'
import { type Redis, useRedis } from './support/redis.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone, startWechat } from './support/wechat.js'

const redis = useRedis(test)

test('redisStore(): two processes share sessions, and what ends in one has ended in the other', async (t) => {
  const wechat = startWechat(t)
  const [one, other] = await start(t, wechat, redis())
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const login = await one.send(headers)
  const later = await other.send(codeOnly(headers))

  t.deepEqual([login.status, later.status], [200, 200])
  t.deepEqual(later.body.user, login.body.user)
  t.not(later.body.pid, login.body.pid)
  t.is(wechat.exchanges, 1)
})

test('redisStore(): 50 parallel first requests over two processes: 50 answers, one exchange', async (t) => {
  const wechat = startWechat(t)
  const [one, other] = await start(t, wechat, redis())
  wechat.fail({ delay: 100 })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))

  const requests = Array.from({ length: 50 }, (_, n) => (n % 2 ? one : other).send(headers))
  const responses = await Promise.all(requests)

  t.deepEqual(new Set(responses.map((response) => response.status)), new Set([200]))
  t.is(new Set(responses.map((response) => response.body.pid)).size, 2)
  t.is(wechat.exchanges, 1)
})

test('X-WX-Code: a code-only request in one process waits for its login in the other', async (t) => {
  const wechat = startWechat(t)
  const [one, other] = await start(t, wechat, redis())
  wechat.fail({ delay: 300 })
  const headers = await codeLoginHeaders(wechat.phone())

  const login = one.send(headers)
  await until(() => wechat.exchanges === 1)
  const response = await other.send(codeOnly(headers))

  t.is(response.status, 200)
  t.deepEqual(response.body.user, (await login).body.user)
})

test('appId: two mini programs on one Redis share nothing', async (t) => {
  const shared = redis()
  const [first, second] = [startWechat(t), startWechat(t)]
  const [one, other] = await Promise.all(
    [first, second].map((wechat) => startProcess(t, { wechat, store: shared.options })),
  )
  const headers = await codeLoginHeaders(first.phone())

  t.is((await one?.send(headers))?.status, 200)

  t.is((await other?.send(codeOnly(headers)))?.status, 401)
})

async function start(
  t: ExecutionContext,
  wechat: Wechat,
  { options }: Redis,
): Promise<[ServerProcess, ServerProcess]> {
  const [one, other] = await startProcesses(t, 2, { wechat, store: options })
  return [one as ServerProcess, other as ServerProcess]
}
