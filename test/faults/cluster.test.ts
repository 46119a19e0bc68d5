import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createCluster } from 'redis'
import type { Wechat } from '../../simulator/src/index.js'
import { redisStore } from '../../src/index.js'
import {
  type KnownSession,
  knownSession,
  populate,
  STORE_TIMEOUT,
  testFailOver,
} from '../support/failover.js'
import { type ServerProcess, startProcess, startProcesses } from '../support/processes.js'
import { type ClusterNode, type RedisCluster, startCluster } from '../support/redis-cluster.js'
import { startServer } from '../support/server.js'
import { testStore } from '../support/store-contract.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly, startWechat } from '../support/wechat.js'

let redis: RedisCluster

test.before(async () => {
  redis = await startCluster()
})
test.after.always(() => redis?.stop())

testStore(test, async (t) => {
  const client = createCluster({ rootNodes: redis.urls.map((url) => ({ url })) })
  const store = redisStore({ client, prefix: `test:${randomUUID()}:`, timeout: 5000 })
  t.teardown(() => store.close?.())
  return store
})

// What has just been written is at its master, and nowhere else yet.
test.serial('redisStore({ cluster, useReplicas }): it reads where it has written', async (t) => {
  const client = createCluster({ rootNodes: redis.urls.map((url) => ({ url })), useReplicas: true })
  client.on('error', () => {})
  // Nodes tell each other of replicas, which takes a while.
  await until(async () => {
    if (client.isOpen) client.destroy()
    await client.connect()
    return client.replicas.length === 3
  })
  t.teardown(() => client.destroy())
  const server = await startServer(t, {
    store: redisStore({ client, prefix: `test:${randomUUID()}:`, timeout: 1000 }),
    async handler(ctx) {
      if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
      ctx.body = 'ok'
    },
  })
  await server.send(await codeLoginHeaders(server.wechat.phone()))
  const replicas = await redis.replicas()
  const thaw = replicas.map((node) => redis.freeze(node))
  t.teardown(async () => {
    for (const go of thaw) go()
    await redis.healed()
  })

  for (let n = 0; n < 20; n++) {
    const headers = await codeLoginHeaders(server.wechat.phone())
    const { status } = await server.send(headers)
    const statuses = [status]
    for (const path of ['/', '/logout', '/'])
      statuses.push((await server.send(codeOnly(headers), path)).status)
    t.deepEqual(statuses, [200, 200, 200, 401])
  }
})

test.serial('revoke(): on a cluster it ends sessions in every slot, in every process', async (t) => {
  const wechat = startWechat(t)
  const [one, other] = await startTwo(t, wechat)
  const logins = await Promise.all(Array.from({ length: 10 }, () => codeLoginHeaders(wechat.phone('alice'))))
  for (const headers of logins) t.is((await one.send(headers)).status, 200)

  t.is((await one.send({}, `/revoke?user=${wechat.user('alice').openId}`)).status, 200)

  for (const headers of logins) t.is((await other.send(codeOnly(headers))).status, 401)
})

test.serial(
  'maxSessionsPerUser: with room for one, 20 parallel logins over two processes leave exactly one session',
  async (t) => {
    const wechat = startWechat(t)
    const servers = await startTwo(t, wechat, { maxSessionsPerUser: 1 })
    const logins = await Promise.all(
      Array.from({ length: 20 }, () => codeLoginHeaders(wechat.phone('alice'))),
    )

    await Promise.all(logins.map((headers, n) => (n % 2 ? servers[0] : servers[1]).send(headers)))

    const answers = await Promise.all(logins.map((headers) => servers[0].send(codeOnly(headers))))
    t.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(19).fill(401)])
  },
)

test.serial(
  'X-WX-Code: 50 parallel first requests with one code over two processes: 50 answers, one exchange',
  async (t) => {
    const wechat = startWechat(t)
    const servers = await startTwo(t, wechat)
    wechat.fail({ delay: 100 })
    const headers = await codeLoginHeaders(wechat.phone())

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => (n % 2 ? servers[0] : servers[1]).send(headers)),
    )

    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    t.is(wechat.exchanges, 1)
  },
)

test.serial(
  'redisStore({ cluster }): a master is killed under load: its sessions get 503 until a replica serves them, others go on',
  async (t) => {
    const population = await populate(t, { cluster: redis.urls })
    const masters = await mastersOf(population.sessions)
    const victim = busiest(masters)
    await redis.replicated()

    await testFailOver(t, {
      population,
      isHit: (session) => masters.get(session) === victim,
      breakMaster: () => killFor(t, victim),
      promoted: redis.healed,
    })
  },
)

test.serial(
  'redisStore({ cluster }): a master hands over under load: nobody is logged out, and others go on',
  async (t) => {
    const population = await populate(t, { cluster: redis.urls })
    const masters = await mastersOf(population.sessions)
    const leaving = busiest(masters)
    await redis.replicated()

    await testFailOver(t, {
      population,
      isHit: (session) => masters.get(session) === leaving,
      breakMaster: () => redis.handOver(leaving),
      promoted: redis.healed,
      isPlanned: true,
    })
  },
)

// What answers in time must not be refused because something else does not.
test.serial(
  'redisStore({ cluster }): while a master is down, sessions of other masters are served, however many ask for its own',
  async (t) => {
    const { server, cutOff, others, victim } = await startWithSessions(t)
    await killFor(t, victim)
    const end = Date.now() + 1500

    async function askFor(sessions: KnownSession[], pause: number): Promise<number[]> {
      const statuses: number[] = []
      for (let n = 0; Date.now() < end; n++) {
        statuses.push(await statusOf(server, sessions[n % sessions.length]))
        await sleep(pause)
      }
      return statuses
    }
    // More than half of all requests, as when phones whose request failed try again.
    const asking = Array.from({ length: 40 }, () => askFor(cutOff, 10))
    const served = await askFor(others, 100)
    const refused = (await Promise.all(asking)).flat()

    t.log(
      `${served.filter((status) => status === 200).length} of ${served.length} served, beside ${refused.length} that could not be`,
    )
    t.deepEqual(new Set(refused), new Set([503]))
    t.deepEqual(new Set(served), new Set([200]))
  },
)

// A node that hangs keeps its connections: what is asked there waits for ever, and nothing looks for a new master.
test.serial(
  'redisStore({ cluster }): a master hangs: its sessions get 503 until a replica serves them, others go on',
  async (t) => {
    const { server, cutOff, others, victim } = await startWithSessions(t)
    const thaw = redis.freeze(victim)
    t.teardown(async () => {
      thaw()
      await redis.healed()
    })

    t.is(await statusOf(server, cutOff[0]), 503)
    t.is(await statusOf(server, others[0]), 200)
    await redis.healed()
    const promoted = Date.now()
    const isServed = await within(6000, async () => (await statusOf(server, cutOff[0])) === 200)

    t.log(`service ${Date.now() - promoted} ms after the promotion of a replica`)
    t.true(isServed)
  },
)

// The client waits for a connection to every master that it has heard of, and hears of no other.
test.serial(
  'redisStore({ cluster }): a server that starts while a master is down serves once a replica has taken its place',
  async (t) => {
    const wechat = startWechat(t)
    await killFor(t, await redis.masterOf('any'))
    const store = { cluster: redis.urls, prefix: `test:${randomUUID()}:`, timeout: STORE_TIMEOUT }
    const server = await startProcess(t, { wechat, store })
    const logIn = async () => (await server.send(await codeLoginHeaders(wechat.phone()))).status
    await logIn()

    await redis.healed()
    const promoted = Date.now()
    const isServed = await within(6000, async () => (await logIn()) === 200)

    t.log(`service ${Date.now() - promoted} ms after the promotion of a replica`)
    t.true(isServed)
    for (let n = 0; n < 10; n++) t.is(await logIn(), 200)
  },
)

/** Kills a node until the end of the test. */
async function killFor(t: ExecutionContext, node: ClusterNode): Promise<void> {
  t.teardown(async () => {
    // Not before its replica has taken over: it comes back with nothing, and must not be master with that.
    await redis.healed()
    await redis.restart(node)
    await redis.healed()
  })
  await redis.kill(node)
}

/** A server with sessions, by whether their master is the victim. */
async function startWithSessions(t: ExecutionContext): Promise<{
  server: ServerProcess
  victim: ClusterNode
  cutOff: KnownSession[]
  others: KnownSession[]
}> {
  const wechat = startWechat(t)
  const prefix = `test:${randomUUID()}:`
  const store = { cluster: redis.urls, prefix, timeout: STORE_TIMEOUT }
  const server = await startProcess(t, { wechat, store })
  const sessions: KnownSession[] = []
  for (let n = 0; n < 12; n++) {
    const headers = await codeLoginHeaders(wechat.phone())
    const { body } = await server.send(headers)
    sessions.push(knownSession(wechat, prefix, body.user.openId, headers))
  }
  await redis.replicated()
  const masters = await mastersOf(sessions)
  const victim = busiest(masters)
  return {
    server,
    victim,
    cutOff: sessions.filter((session) => masters.get(session) === victim),
    others: sessions.filter((session) => masters.get(session) !== victim),
  }
}

async function statusOf(server: ServerProcess, session: KnownSession | undefined): Promise<number> {
  return (await server.send(session?.headers)).status
}

/** Whether something comes to hold in time. */
async function within(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  const end = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > end) return false
    await sleep(50)
  }
  return true
}

async function startTwo(
  t: ExecutionContext,
  wechat: Wechat,
  options: { maxSessionsPerUser?: number } = {},
): Promise<[ServerProcess, ServerProcess]> {
  const store = { cluster: redis.urls, prefix: `test:${randomUUID()}:`, timeout: 5000 }
  const [one, other] = await startProcesses(t, 2, { wechat, store, options })
  return [one as ServerProcess, other as ServerProcess]
}

async function mastersOf(sessions: KnownSession[]): Promise<Map<KnownSession, ClusterNode>> {
  const masters = new Map<KnownSession, ClusterNode>()
  for (const session of sessions) masters.set(session, await redis.masterOf(session.key))
  return masters
}

/** The master of the most sessions that are alive. */
function busiest(masters: Map<KnownSession, ClusterNode>): ClusterNode {
  const counts = new Map<ClusterNode, number>()
  for (const [{ isAlive }, master] of masters) if (isAlive) counts.set(master, (counts.get(master) ?? 0) + 1)
  const [first] = [...counts].sort(([, a], [, b]) => b - a)
  return first?.[0] as ClusterNode
}
