import { type ChildProcess, spawn } from 'node:child_process'
import test, { type ExecutionContext } from 'ava'
import { useRedis } from '../support/redis.js'
import { startWechat } from '../support/wechat.js'
import { FULL_SPEED, type Quota, quotaOf } from './quota.js'
import { startSlow } from './server.js'
import { isServed, makeLogins, makeSessions, statusOf } from './traffic.js'

const redis = useRedis(test)

/** Fresh processes of each kind, each with ten first requests: logins, and sessions that are there. */
const PROCESSES = Number(process.env.WEAPP_STARTS ?? 50)
const OF_EACH = 5

test.serial(
  'redisStore({ url }): the first ten requests of a fresh process are answered, quiet',
  async (t) => {
    await firstRequests(t, FULL_SPEED)
  },
)

test.serial(
  'redisStore({ url }): the first ten requests of a fresh process are answered, beside three that compute',
  async (t) => {
    const others = Array.from({ length: 3 }, startComputing)
    t.teardown(() => others.map((other) => other.kill('SIGKILL')))
    await firstRequests(t, FULL_SPEED)
  },
)

for (const [name, cores] of [
  ['half', 0.5],
  ['a quarter', 0.25],
] as const) {
  test.serial(
    `redisStore({ url }): the first ten requests of a fresh process are answered, with ${name} of a core`,
    async (t) => {
      const quota = quotaOf(cores)
      if (!quota) {
        t.log('SKIPPED: no control group can be made here, and there is no cpulimit')
        return t.pass()
      }
      t.teardown(() => quota.end())
      await firstRequests(t, quota)
    },
  )
}

async function firstRequests(t: ExecutionContext, quota: Quota): Promise<void> {
  const { url, prefix } = redis()
  const wechat = startWechat(t)
  const options = { wechat, redis: { url, prefix } }
  const sessions = await makeSessions(await startSlow(t, options), wechat, OF_EACH)
  const statuses: number[] = []
  const slowest: number[] = []
  let said = ''

  for (let n = 0; n < PROCESSES; n++) {
    const logins = await makeLogins(wechat, OF_EACH)
    const server = await startSlow(t, { ...options, quota })
    const began = performance.now()
    statuses.push(
      ...(await Promise.all([...logins, ...sessions].map((headers) => statusOf(server.url, headers)))),
    )
    slowest.push(performance.now() - began)
    await server.end()
    said += server.stderr()
  }

  slowest.sort((a, b) => a - b)
  const [half = 0, last = 0] = [slowest[slowest.length >> 1], slowest.at(-1)]
  t.log(
    `${quota.name}; all ten were answered after ${Math.round(half)} ms typically, ${Math.round(last)} at worst`,
  )
  isServed(t, statuses, said)
}

/** A process that computes until it is ended, or for ten minutes. */
function startComputing(): ChildProcess {
  const script = 'const end = Date.now() + 600000; while (Date.now() < end);'
  return spawn(process.execPath, ['-e', script], { stdio: 'ignore' })
}
