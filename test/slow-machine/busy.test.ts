import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { startRedis, useRedis } from '../support/redis.js'
import { startWechat } from '../support/wechat.js'
import { FULL_SPEED, quotaOf } from './quota.js'
import { type SlowServer, startSlow } from './server.js'
import { isServed, makeLogins, makeSessions, statusOf } from './traffic.js'

const redis = useRedis(test)

/** Rounds of each kind, and what is sent in each: reads, writes and logins, half of them before what keeps it busy. */
const ROUNDS = Number(process.env.WEAPP_ROUNDS ?? 20)
const SESSIONS = 33
const LOGINS = 21

for (const ms of [50, 400, 2000]) {
  test.serial(
    `redisStore({ timeout }), wechat.timeout: beside a handler that computes for ${ms} ms nobody is refused`,
    async (t) => {
      await serve(t, (server) => statusOf(`${server.url}/compute?ms=${ms}`))
    },
  )
}

test.serial(
  'redisStore({ timeout }), wechat.timeout: beside collections of garbage nobody is refused',
  async (t) => {
    await serve(t, (server) => statusOf(`${server.url}/garbage?times=3`))
  },
)

test.serial(
  'redisStore({ timeout }), wechat.timeout: a process that is stopped for 1 to 5 s refuses nobody',
  async (t) => {
    await serve(t, stopAndGoOn)
  },
)

for (const cores of [0.5, 0.25]) {
  test.serial(
    `redisStore({ timeout }), wechat.timeout: with ${cores} of a core, beside computations of 400 ms, nobody is refused`,
    async (t) => {
      const quota = quotaOf(cores)
      if (!quota) {
        t.log('SKIPPED: no control group can be made here, and there is no cpulimit')
        return t.pass()
      }
      t.teardown(() => quota.end())
      t.log(quota.name)
      await serve(t, (server) => statusOf(`${server.url}/compute?ms=400`), quota)
    },
  )
}

test.serial(
  'redisStore({ url }), wechat: a process that was frozen for 30 s serves what comes next',
  async (t) => {
    const redis = await startRedis()
    t.teardown(() => redis.stop())
    const wechat = startWechat(t)
    const server = await startSlow(t, { wechat, redis })
    const sessions = await makeSessions(server, wechat, 5)
    // Seconds: as providers do, and WeChat's server closes what is idle for five.
    await redis.use((client) => client.configSet('timeout', '10'))

    server.kill('SIGSTOP')
    await sleep(30_000)
    const sent = [...sessions, ...(await makeLogins(wechat, 5))].map((headers) =>
      statusOf(server.url, headers),
    )
    await sleep(50)
    server.kill('SIGCONT')

    isServed(t, await Promise.all(sent), server.stderr())
  },
)

async function serve(
  t: ExecutionContext,
  disturb: (server: SlowServer, round: number) => Promise<unknown>,
  quota = FULL_SPEED,
): Promise<void> {
  const { url, prefix } = redis()
  const wechat = startWechat(t)
  const server = await startSlow(t, { wechat, redis: { url, prefix }, quota })
  const sessions = await makeSessions(server, wechat, SESSIONS)
  const statuses: number[] = []

  for (let round = 0; round < ROUNDS; round++) {
    const logins = await makeLogins(wechat, LOGINS)
    const sendHalf = (half: 0 | 1) => {
      const mine = sessions.filter((_, n) => n % 2 === half)
      const get = (path: string) => mine.map((headers) => statusOf(server.url + path, headers))
      const login = logins.filter((_, n) => n % 2 === half).map((headers) => statusOf(server.url, headers))
      // Two writes of one session, each of which finds that the other was faster.
      return [...get(''), ...get('/write'), ...get('/write'), ...login]
    }
    const before = sendHalf(0)
    const disturbance = disturb(server, round)
    statuses.push(...(await Promise.all([...before, ...sendHalf(1)])))
    await disturbance
  }

  isServed(t, statuses, server.stderr())
}

/** At another moment of what is under way, and for longer, in each round. */
async function stopAndGoOn(server: SlowServer, round: number): Promise<void> {
  await sleep(round % 10)
  server.kill('SIGSTOP')
  await sleep(1000 + (round % 9) * 500)
  server.kill('SIGCONT')
}
