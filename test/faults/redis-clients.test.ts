/** What becomes of requests with each client that `redisStore({ client })` takes, when Redis or the network fails. */
import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { redisStore, type SessionStore } from '../../src/index.js'
import { withTimeout } from '../../src/stores/with-timeout.js'
import { type OwnRedis, startRedis, withClient } from '../support/redis.js'
import { type AnyClient, CLIENTS } from '../support/redis-clients.js'
import { startServer, type TestServer } from '../support/server.js'
import { create } from '../support/store-contract.js'
import { startTcpSwitch } from '../support/tcp-switch.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly } from '../support/wechat.js'
import { startWire, type Wire } from '../support/wire.js'

/** ms that an answer may take: the deadline of the store, and what a busy machine needs beside it. */
const IN_TIME = 250 + 100

/** How long this process was kept from running, at worst. */
const delays = monitorEventLoopDelay({ resolution: 10 })
delays.enable()
const pauses = () => delays.max / 1e6

/** ms until all is well again: node-redis waits for up to two seconds between two tries, and some. */
const WELL_AGAIN = 4000

interface Situation {
  redis: OwnRedis
  wire: Wire
}

interface Fault {
  begin(situation: Situation): Promise<unknown>
  end(situation: Situation): Promise<unknown>
}

const FAULTS: Record<string, Fault> = {
  'is frozen': {
    begin: async ({ redis }) => redis.server.kill('SIGSTOP'),
    end: async ({ redis }) => redis.server.kill('SIGCONT'),
  },
  // But not so slow that a heartbeat ends the connection.
  'is slower than the deadline': {
    begin: async ({ wire }) => Object.assign(wire, { delay: 400 }),
    end: async ({ wire }) => Object.assign(wire, { delay: 0 }),
  },
  'is cut off, and connections are not answered': {
    async begin({ wire }) {
      wire.isBlackHole = true
      wire.cut()
    },
    async end({ wire }) {
      wire.isBlackHole = false
      wire.cut()
    },
  },
  'is killed, and started anew from its file': {
    async begin({ redis }) {
      await command(redis, ['SAVE'])
      redis.server.kill('SIGKILL')
    },
    async end(situation) {
      situation.redis = await startRedis(situation.redis.port, situation.redis.dir)
    },
  },
}

for (const [name, makeClient] of Object.entries(CLIENTS)) {
  test.serial(
    `redisStore({ client }): ${name}: Redis fails in four ways: every answer in time, no 401, and all is well again`,
    async (t) => {
      const situation = await startSituation(t)
      const client = makeClient(`redis://127.0.0.1:${situation.wire.port}`)
      const server = await startServer(t, {
        store: redisStore({ client, prefix: situation.redis.prefix }),
      })
      const headers = await login(server)

      for (const [what, fault] of Object.entries(FAULTS)) {
        delays.reset()
        await fault.begin(situation)
        // What was asked before is answered, and the loss is noticed.
        await until(async () => (await server.send(codeOnly(headers))).status === 503)
        const { statuses, slowest } = await measure(server, codeOnly(headers), 20)
        const guest = await server.send()
        await fault.end(situation)
        const ended = performance.now()
        await until(async () => (await server.send(codeOnly(headers))).status === 200)
        const recovery = performance.now() - ended
        await login(server)

        t.deepEqual(statuses, [503], what)
        t.is(guest.status, 200, what)
        t.true(slowest < IN_TIME + pauses(), `${what}: ${slowest} ms`)
        t.true(recovery < WELL_AGAIN, `${what}: ${recovery} ms`)
        t.log(`${what}: ≤ ${Math.round(slowest)} ms, well again after ${Math.round(recovery)} ms`)
      }
    },
  )

  test.serial(`redisStore({ client }): ${name}: a command whose answer is lost is done once`, async (t) => {
    const { redis, wire } = await startSituation(t)
    const store = timedStore(t, makeClient(`redis://127.0.0.1:${wire.port}`))
    const { id, record } = await create(store)
    const before = await scriptsOf(redis)

    wire.delay = 150
    const updating = store.update(id, { ...record, data: { n: 1 } })
    updating.catch(() => {})
    await until(async () => (await scriptsOf(redis)) > before)
    wire.cut()
    wire.delay = 0

    await t.throwsAsync(updating)
    await until(() => isAnswered(store))
    // Longer than a client of ioredis, as it comes, takes to send it again.
    await sleep(500)
    t.is(await scriptsOf(redis), before + 1)
  })

  test.serial(
    `redisStore({ client }): ${name}: while Redis is away no command is kept for later`,
    async (t) => {
      const redis = await startRedis()
      const store = timedStore(t, makeClient(redis.url))
      await store.read('nobody')
      await redis.stop()
      await until(async () => !(await isAnswered(store)))

      for (let n = 0; n < 100; n++) await t.throwsAsync(store.read('nobody'))
      const again = await startRedis(redis.port)
      t.teardown(() => again.stop())
      await until(() => isAnswered(store))

      const stats = await again.use((observer) => observer.info('commandstats'))
      const [, reads = '0'] = /cmdstat_get:calls=(\d+)/.exec(stats) ?? []
      // One may have been sent, and given up, before its client knew that the connection was lost.
      t.true(Number(reads) <= 2, `${reads} reads`)
    },
  )

  test.serial(
    `redisStore({ client }): ${name}: after a failover by name it finds the new master, also when the old connection stays`,
    async (t) => {
      const [old, next] = await Promise.all([startRedis(), startRedis()])
      const address = await startTcpSwitch(old.port)
      t.teardown(async () => {
        address.stop()
        await Promise.all([old.stop(), next.stop()])
      })
      const store = timedStore(t, makeClient(`redis://127.0.0.1:${address.port}`))
      const claim = () => store.claim(randomUUID())
      await claim()

      await command(old, ['REPLICAOF', '127.0.0.1', `${next.port}`])
      address.leadTo(next.port)
      const began = performance.now()
      await until(() =>
        claim().then(
          () => true,
          () => false,
        ),
      )

      t.log(`found after ${Math.round(performance.now() - began)} ms`)
      t.true(performance.now() - began < WELL_AGAIN)
    },
  )
}

for (const name of ['ioredis 5', 'iovalkey']) {
  test.serial(
    `redisStore({ client }): ${name}: a connection that a firewall has forgotten is replaced, although nobody asks`,
    async (t) => {
      const { wire } = await startSituation(t)
      const makeClient = CLIENTS[name] as (url: string) => AnyClient
      const store = timedStore(t, makeClient(`redis://127.0.0.1:${wire.port}`))
      await store.read('nobody')

      wire.forget()
      await sleep(3500)

      await t.notThrowsAsync(store.read('nobody'))
    },
  )
}

async function startSituation(t: ExecutionContext): Promise<Situation> {
  const redis = await startRedis()
  const situation = { redis, wire: await startWire(t, redis.port) }
  t.teardown(() => situation.redis.stop())
  return situation
}

/** A store as the middleware has it: what hangs is given up. */
function timedStore(t: ExecutionContext, client: AnyClient): SessionStore {
  const store = withTimeout(redisStore({ client, timeout: 1000 }))
  t.teardown(() => store.close?.())
  return store
}

/** Logs in; again where the first connection was late. */
async function login(server: TestServer): Promise<Record<string, string>> {
  for (;;) {
    const headers = await codeLoginHeaders(server.wechat.phone())
    if ((await server.send(headers)).status === 200) return headers
  }
}

/** One request after the other, each with how long it took. */
async function measure(
  server: TestServer,
  headers: Record<string, string>,
  count: number,
): Promise<{ statuses: number[]; slowest: number }> {
  const statuses = new Set<number>()
  let slowest = 0
  for (let n = 0; n < count; n++) {
    const start = performance.now()
    statuses.add((await server.send(headers)).status)
    slowest = Math.max(slowest, performance.now() - start)
  }
  return { statuses: [...statuses], slowest }
}

function isAnswered(store: SessionStore): Promise<boolean> {
  return store.read('nobody').then(
    () => true,
    () => false,
  )
}

/** How many scripts Redis has run. */
async function scriptsOf(redis: OwnRedis): Promise<number> {
  const stats = await redis.use((observer) => observer.info('commandstats'))
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count))
  return calls.reduce((sum, count) => sum + count, 0)
}

function command({ url }: OwnRedis, words: string[]): Promise<unknown> {
  return withClient(url, (client) => client.sendCommand(words))
}
