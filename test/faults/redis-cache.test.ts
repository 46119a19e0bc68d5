/** Sessions that a process keeps (`redisStore({ cache })`), while Redis fails over, freezes, or is several. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createCluster, createSentinel } from 'redis'
import { redisStore, type SessionStore } from '../../src/index.js'
import { withTimeout } from '../../src/stores/with-timeout.js'
import { startRedis } from '../support/redis.js'
import { startCluster } from '../support/redis-cluster.js'
import { startSentinel } from '../support/redis-sentinel.js'
import { type Created, create, testStore } from '../support/store-contract.js'
import { until } from '../support/until.js'

/** ms: an ended session may be believed for as long, whatever happens. */
const MAX_AGE = 2000

const cluster = startCluster()
const sentinel = startSentinel()

test.after.always(async () => {
  await (await cluster).stop()
  await (await sentinel).stop()
})

testStore(test, async (t) => clusterStore(t))

test.serial(
  'redisStore({ cache }): on a cluster a session that ends in another process is forgotten, in every slot',
  async (t) => {
    const prefix = `test:${randomUUID()}:`
    const [one, other] = [await clusterStore(t, prefix), await clusterStore(t, prefix)]
    await forgetsWhatEndsElsewhere(t, one, other)
  },
)

test.serial(
  'redisStore({ cache }): with sentinels a session that ends in another process is forgotten',
  async (t) => {
    const prefix = `test:${randomUUID()}:`
    const [one, other] = [await sentinelStore(t, prefix), await sentinelStore(t, prefix)]
    await forgetsWhatEndsElsewhere(t, one, other)
  },
)

test.serial(
  'cluster: a master is killed, and what ends after that is believed no longer than the max age',
  async (t) => {
    const redis = await cluster
    const prefix = `test:${randomUUID()}:`
    const [one, other] = [await clusterStore(t, prefix), await clusterStore(t, prefix)]
    const sessions = await keepMany(one, 20)
    await redis.replicated()

    await redis.kill(await redis.masterOf(`${prefix}s:${sessions[0]?.id}`))

    await endsAreSeen(t, one, other, sessions)
  },
)

test.serial(
  'sentinel: the master is killed, and what ends after that is believed no longer than the max age',
  async (t) => {
    const redis = await sentinel
    const prefix = `test:${randomUUID()}:`
    const [one, other] = [await sentinelStore(t, prefix), await sentinelStore(t, prefix)]
    const sessions = await keepMany(one, 5)
    await redis.replicated()

    await redis.killMaster()

    await endsAreSeen(t, one, other, sessions)
  },
)

test.serial(
  'redisStore({ cache }): a Redis that freezes: what is kept is believed no longer than the max age',
  async (t) => {
    const { url, server, stop } = await startRedis()
    t.teardown(stop)
    const store = redisStore({ url, timeout: 300, cache: { maxAge: MAX_AGE / 1000 } })
    t.teardown(() => store.close?.())
    const [session] = await keepMany(store, 1)

    server.kill('SIGSTOP')
    t.teardown(() => server.kill('SIGCONT'))
    const frozen = performance.now()
    await until(() => store.peek?.(session?.id ?? '') === undefined)

    t.true(performance.now() - frozen <= MAX_AGE + 100)
    server.kill('SIGCONT')
    await until(async () => (await keepMany(store, 1).catch(() => [])).length === 1)
  },
)

async function forgetsWhatEndsElsewhere(
  t: ExecutionContext,
  one: SessionStore,
  other: SessionStore,
): Promise<void> {
  const lateness: number[] = []
  for (const { id, user } of await keepMany(one, 30)) {
    await until(async () => isKept(one, id))
    await other.end(id, user)
    const ended = performance.now()
    await until(() => one.peek?.(id) === undefined)
    lateness.push(performance.now() - ended)
  }
  t.log(`forgotten after ${Math.max(...lateness).toFixed(1)} ms at the latest`)
  t.true(Math.max(...lateness) < MAX_AGE / 2)
}

/** Ends all sessions elsewhere, each as soon as that can be done; none is believed longer than it may be. */
async function endsAreSeen(
  t: ExecutionContext,
  one: SessionStore,
  other: SessionStore,
  sessions: Created[],
): Promise<void> {
  await Promise.all(
    sessions.map(async ({ id, user }) => {
      await until(async () =>
        other.end(id, user).then(
          () => true,
          () => false,
        ),
      )
      const ended = performance.now()
      while (await isKept(one, id)) {
        if (performance.now() - ended > MAX_AGE) return t.fail(`${id} is believed after its end`)
        await sleep(10)
      }
    }),
  )
  // And from then on sessions are kept again.
  await until(async () => (await keepMany(one, 1).catch(() => [])).length === 1)
  t.pass()
}

async function keepMany(store: SessionStore, count: number): Promise<Created[]> {
  const sessions = await Promise.all(Array.from({ length: count }, () => create(store)))
  for (const { id } of sessions) await until(async () => isKept(store, id))
  return sessions
}

/** Whether a session is kept, or can be. */
async function isKept(store: SessionStore, id: string): Promise<boolean> {
  if (store.peek?.(id)) return true
  await store.read(id).catch(() => {})
  return store.peek?.(id) !== undefined
}

async function clusterStore(t: ExecutionContext, prefix = `test:${randomUUID()}:`): Promise<SessionStore> {
  const { urls } = await cluster
  const client = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    defaults: { disableOfflineQueue: true },
  })
  return kept(t, redisStore({ client, prefix, timeout: 1000, cache: { maxAge: MAX_AGE / 1000 } }))
}

async function sentinelStore(t: ExecutionContext, prefix: string): Promise<SessionStore> {
  const { ports } = await sentinel
  const client = createSentinel({
    name: 'mymaster',
    sentinelRootNodes: ports.map((port) => ({ host: '127.0.0.1', port })),
  })
  return kept(t, redisStore({ client, prefix, timeout: 1000, cache: { maxAge: MAX_AGE / 1000 } }))
}

/** As the middleware has it: what hangs is given up. */
function kept(t: ExecutionContext, store: SessionStore): SessionStore {
  t.teardown(() => store.close?.())
  return withTimeout(store)
}
