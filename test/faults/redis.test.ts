import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createClient } from 'redis'
import { redisStore } from '../../src/index.js'
import { startProcess } from '../support/processes.js'
import { freePort, type OwnRedis, startRedis, withClient } from '../support/redis.js'
import { startServer, type TestServer } from '../support/server.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly, startWechat } from '../support/wechat.js'
import { startWire, type Wire } from '../support/wire.js'

/** ms: the default of redisStore(), which is what is promised. */
const DEADLINE = 250

/** ms: the default of `connectTimeout`. */
const CONNECT = 2000

/** ms that an answer may take beyond the deadline, as promised: where the machine itself does not pause. */
const SLACK = 50

/** How long this process was kept from running, at worst. */
const delays = monitorEventLoopDelay({ resolution: 10 })
delays.enable()
const pauses = () => delays.max / 1e6

interface Fault {
  /** Spoils Redis. */
  begin(situation: Situation): Promise<unknown>
  end(situation: Situation): Promise<unknown>
  /** What becomes of those who have a session, and of those who want one; default: both get 503. */
  session?: number
  login?: number
}

interface Situation {
  redis: OwnRedis
  wire: Wire
}

const FAULTS: Record<string, Fault> = {
  'frozen (SIGSTOP)': {
    begin: async ({ redis }) => redis.server.kill('SIGSTOP'),
    end: async ({ redis }) => redis.server.kill('SIGCONT'),
  },
  'a black hole': {
    begin: async ({ wire }) => spoil(wire, { isBlackHole: true }),
    end: async ({ wire }) => spoil(wire, { isBlackHole: false }),
  },
  'slower than the deadline': {
    begin: async ({ wire }) => spoil(wire, { delay: 200 }),
    end: async ({ wire }) => spoil(wire, { delay: 0 }),
  },
  'slow, but in time': {
    begin: async ({ wire }) => spoil(wire, { delay: 40 }),
    end: async ({ wire }) => spoil(wire, { delay: 0 }),
    session: 200,
    login: 200,
  },
  'full (maxmemory, noeviction)': {
    begin: ({ redis }) => configure(redis, { maxmemory: '1', 'maxmemory-policy': 'noeviction' }),
    end: ({ redis }) => configure(redis, { maxmemory: '0' }),
    session: 200,
  },
  'read-only (a replica)': {
    begin: ({ redis }) => command(redis, ['REPLICAOF', '127.0.0.1', '1']),
    end: ({ redis }) => command(redis, ['REPLICAOF', 'NO', 'ONE']),
    session: 200,
  },
  'killed, and started anew from its file': {
    begin: async ({ redis }) => {
      await command(redis, ['SAVE'])
      redis.server.kill('SIGKILL')
    },
    end: async (situation) => {
      situation.redis = await startRedis(situation.redis.port, situation.redis.dir)
    },
  },
}

for (const [what, fault] of Object.entries(FAULTS)) {
  test.serial(
    `redisStore(): Redis ${what}: every answer in time, no 401, guests go on, and all is well within 2 s`,
    async (t) => {
      const situation = await startSituation(t)
      const { server, headers } = await startLoggedIn(t, situation.wire)
      const newcomer = () => codeLoginHeaders(server.wechat.phone())
      const { session: expected = 503, login = 503 } = fault

      await fault.begin(situation)
      const known = await measure(t, server, 50, async () => codeOnly(headers))
      const guests = await measure(t, server, 10, async () => ({}))
      const logins = await measure(t, server, 5, newcomer)
      await sleep(1000)
      const later = await measure(t, server, 50, async () => codeOnly(headers))
      await fault.end(situation)
      const ended = performance.now()
      await until(async () => (await server.send(codeOnly(headers))).status === 200)
      await until(async () => (await server.send(await newcomer())).status === 200)
      const recovery = performance.now() - ended

      t.deepEqual(known.statuses, [expected])
      t.deepEqual(later.statuses, [expected])
      t.deepEqual(logins.statuses, [login])
      t.deepEqual(guests.statuses, [200])
      t.true(Math.max(known.slowest, later.slowest, guests.slowest) <= DEADLINE + SLACK + pauses())
      t.true(recovery < 2000, `${recovery} ms`)
      t.log(
        `at first ≤ ${ms(known.slowest)}, later ≤ ${ms(later.slowest)}, typically ${ms(later.median)}; well again after ${ms(recovery)}`,
      )
    },
  )
}

test.serial(
  'redisStore(): Redis absent at start: guests go on, the first wait for it, later ones get 503 at once, and all is well within 2 s',
  async (t) => {
    const port = await freePort()
    const server = await startServer(t, { store: redisStore({ url: `redis://127.0.0.1:${port}` }) })
    const headers = await codeLoginHeaders(server.wechat.phone())

    const first = await measure(t, server, 1, async () => headers)
    const logins = await measure(t, server, 20, async () => headers)
    const guests = await measure(t, server, 10, async () => ({}))
    const redis = await startRedis(port)
    t.teardown(() => redis.stop())
    const began = performance.now()
    await until(async () => (await server.send(headers)).status === 200)
    const recovery = performance.now() - began

    t.deepEqual([first.statuses, logins.statuses, guests.statuses], [[503], [503], [200]])
    t.true(first.slowest <= CONNECT + SLACK + pauses(), `${first.slowest} ms`)
    t.true(logins.slowest <= DEADLINE + SLACK + pauses(), `${logins.slowest} ms`)
    t.true(recovery < 2000, `${recovery} ms`)
    t.log(`first ${ms(first.slowest)}, then ≤ ${ms(logins.slowest)}; well ${ms(recovery)} after its start`)
  },
)

test.serial(
  'redisStore(): a flood of 20,000 requests at a frozen Redis leaves no memory behind, and ends no process',
  async (t) => {
    const { redis, wire } = await startSituation(t)
    const wechat = startWechat(t)
    const store = { url: `redis://127.0.0.1:${wire.port}`, prefix: redis.prefix, timeout: DEADLINE }
    const server = await startProcess(t, { wechat, store })
    const headers = codeOnly(await login(server, wechat))
    const heap = async () => (await server.send({}, '/memory')).body.heapUsed as number
    await flood(server, headers, 2000)
    const before = await heap()

    redis.server.kill('SIGSTOP')
    const statuses = await flood(server, headers, 20_000)
    const during = await heap()
    redis.server.kill('SIGCONT')
    await until(async () => (await server.send(headers)).status === 200)
    const after = await heap()

    t.deepEqual(statuses, [503])
    t.true(during - before < 8_000_000, `${during - before} bytes while frozen`)
    t.true(after - before < 2_000_000, `${after - before} bytes afterwards`)
    t.log(
      `heap +${Math.round((during - before) / 1024)} KB while frozen, +${Math.round((after - before) / 1024)} KB afterwards`,
    )
  },
)

test.serial("redisStore(): a client of the caller's, as node-redis makes it, fails as well", async (t) => {
  const situation = await startSituation(t)
  const { redis, wire } = situation
  const client = createClient({ url: `redis://127.0.0.1:${wire.port}` })
  const server = await startServer(t, { store: redisStore({ client, prefix: redis.prefix }) })
  const headers = await login(server, server.wechat)

  redis.server.kill('SIGSTOP')
  const frozen = await measure(t, server, 50, async () => codeOnly(headers))
  redis.server.kill('SIGCONT')
  await until(async () => (await server.send(codeOnly(headers))).status === 200)
  wire.cut()
  wire.isBlackHole = true
  await until(() => !client.isReady)
  const away = await measure(t, server, 50, async () => codeOnly(headers))
  wire.isBlackHole = false
  wire.cut()
  await until(async () => (await server.send(codeOnly(headers))).status === 200)

  t.deepEqual([frozen.statuses, away.statuses], [[503], [503]])
  const slowest = Math.max(frozen.slowest, away.slowest)
  t.true(slowest <= DEADLINE + SLACK + pauses(), `${frozen.slowest}, ${away.slowest} ms`)
})

async function startSituation(t: ExecutionContext): Promise<Situation> {
  delays.reset()
  const redis = await startRedis()
  const situation = { redis, wire: await startWire(t, redis.port) }
  t.teardown(() => situation.redis.stop())
  return situation
}

/** A server with the default deadline, behind a network that can be spoilt, and the headers of a session. */
async function startLoggedIn(
  t: ExecutionContext,
  wire: Wire,
): Promise<{ server: TestServer; headers: Record<string, string> }> {
  const server = await startServer(t, { store: redisStore({ url: `redis://127.0.0.1:${wire.port}` }) })
  const headers = await login(server, server.wechat)
  // Once more: what is compiled at the first request would be measured otherwise.
  for (let n = 0; n < 20; n++) await server.send(codeOnly(headers))
  return { server, headers }
}

/** Logs in; again where a busy machine made the first connection late. */
async function login(
  server: Pick<TestServer, 'send'>,
  wechat: TestServer['wechat'],
): Promise<Record<string, string>> {
  for (;;) {
    const headers = await codeLoginHeaders(wechat.phone())
    if ((await server.send(headers)).status === 200) return headers
  }
}

interface Measured {
  statuses: number[]
  /** ms */
  slowest: number
  /** ms */
  median: number
}

/** One request after the other, each with how long it took: at once, they would measure the machine. */
async function measure(
  t: ExecutionContext,
  server: TestServer,
  count: number,
  headers: () => Promise<Record<string, string>>,
): Promise<Measured> {
  const times: number[] = []
  const statuses = new Set<number>()
  const began = performance.now()
  for (let n = 0; n < count && performance.now() - began < 3000; n++) {
    const sent = await headers()
    const start = performance.now()
    const response = await server.send(sent)
    times.push(performance.now() - start)
    statuses.add(response.status)
    if (response.status === 503) t.is(response.get('Retry-After'), '1')
  }
  times.sort((a, b) => a - b)
  return { statuses: [...statuses], slowest: times.at(-1) ?? 0, median: times[times.length >> 1] ?? 0 }
}

/** Many requests, a hundred at a time. */
async function flood(
  { url }: { url: string },
  headers: Record<string, string>,
  count: number,
): Promise<number[]> {
  const statuses = new Set<number>()
  const one = async () => {
    const response = await fetch(url, { headers })
    await response.arrayBuffer()
    statuses.add(response.status)
  }
  for (let n = 0; n < count; n += 100) await Promise.all(Array.from({ length: 100 }, one))
  return [...statuses]
}

async function spoil(wire: Wire, how: Partial<Wire>): Promise<void> {
  Object.assign(wire, how)
}

function configure({ url }: OwnRedis, settings: Record<string, string>): Promise<unknown> {
  return withClient(url, (client) => client.configSet(settings))
}

function command({ url }: OwnRedis, words: string[]): Promise<unknown> {
  return withClient(url, (client) => client.sendCommand(words))
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}
