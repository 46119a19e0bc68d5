import { createHash } from 'node:crypto'
import { install } from '@sinonjs/fake-timers'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import type { Context } from 'koa'
import { createClient } from 'redis'
import { memoryStore, type RedisClient, redisStore, type SessionStore } from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'
import { wasBefore } from '../src/stores/redis/revocations.js'
import * as scripts from '../src/stores/redis/scripts.js'
import { startRedis, useRedis } from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { create, newId, newRecord } from './support/store-contract.js'
import { KEY, visitor } from './support/visitor.js'
import { codeLoginHeaders } from './support/wechat.js'

const redis = useRedis(test)

/** What becomes of the clocks between two steps: seconds that Redis's is set to, and that this process is suspended. */
interface Trouble {
  redis: number
  suspended: number
}

const CALM: Trouble = { redis: 0, suspended: 0 }
const troubles: fc.Arbitrary<Trouble[]> = fc.oneof(
  // Its clock is set once, back or forward; or this process is suspended, once: CLOCK_MONOTONIC stands still then.
  fc
    .tuple(fc.nat(3), fc.integer({ min: -3600, max: 3600 }))
    .map(([at, redis]) => timeline(at, { ...CALM, redis })),
  fc.tuple(fc.nat(3), fc.nat(3600)).map(([at, suspended]) => timeline(at, { ...CALM, suspended })),
)

test.serial('revoke(): no login that began before it creates a session, whatever clocks do', async (t) => {
  const clocks = await startClocks(t)

  await fc.assert(
    fc.asyncProperty(troubles, fc.boolean(), async ([first, second, third] = [], isElsewhere) => {
      clocks.reset()
      const here = clocks.store()
      const revoker = isElsewhere ? clocks.store() : here
      const [id, user] = [newId(), newId()]

      clocks.suffer(first)
      const entry = await here.claim(id)
      if (entry.state !== 'granted') throw new Error(entry.state)
      clocks.suffer(second)
      await revoker.revoke(user)
      clocks.suffer(third)

      const { claim } = entry
      t.false(await here.create({ id, user, claim, record: newRecord(), max: 10 }))
    }),
    { numRuns: 300 },
  )
})

test.serial('revoke(): a login that begins after it creates one, whatever clocks did before', async (t) => {
  const clocks = await startClocks(t)

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -3600, max: 3600 }), fc.boolean(), async (set, isElsewhere) => {
      clocks.reset()
      const here = clocks.store()
      const revoker = isElsewhere ? clocks.store() : here
      const [id, user] = [newId(), newId()]

      clocks.suffer({ ...CALM, redis: set })
      await revoker.revoke(user)
      const entry = await here.claim(id)
      if (entry.state !== 'granted') throw new Error(entry.state)

      const { claim } = entry
      t.true(await here.create({ id, user, claim, record: newRecord(), max: 10 }))
    }),
    { numRuns: 100 },
  )
})

test('revoke(): on a cluster the clocks of two nodes decide nothing', (t) => {
  // The login asked at 100 and had its claim at 104, the user was revoked at 103, and is asked for it at 110. The node
  // that knows the revocation is 2 ms behind: by its clock, the login began later.
  const claim = {
    id: 'c',
    token: 't',
    sentEvent: 1,
    grantedEvent: 2,
    began: 101_500,
    sent: performance.now() - 10,
    granted: performance.now() - 6,
  }
  const revocation = { at: 101_000, ago: 7, asked: performance.now() }

  t.true(wasBefore(claim, revocation, false))
  t.false(wasBefore(claim, revocation, true))
  // One that began surely later.
  t.false(wasBefore(claim, { ...revocation, ago: 1000 }, false))
})

test('revoke(): it finds a session that was put back, also after a late enrolment of what it was to become', async (t) => {
  const { store, client, prefix } = await storeAndClient(t)
  // Of a process that stood still when it had taken the session, enrolled its successor late, and died.
  const dying = new Proxy(client, {
    get(target, name) {
      if (name === 'withCommandOptions') return undefined
      const value = Reflect.get(target, name) as unknown
      if (name !== 'evalSha') return typeof value === 'function' ? value.bind(target) : value
      return (sha1: string, options: Parameters<typeof client.eval>[1]) =>
        [scripts.ENROLL.sha1, scripts.CLAIM.sha1, scripts.TAKE.sha1].includes(sha1)
          ? client.evalSha(sha1, options)
          : Promise.reject(new Error('dead'))
    },
  })
  const dead = redisStore({ client: dying as unknown as RedisClient, prefix, timeout: 5000 })
  const [old, user] = [newId(), newId()]
  const record = newRecord()
  const first = await store.claim(old)
  const claimed = await dead.claim(newId())
  if (first.state !== 'granted' || claimed.state !== 'granted') throw new Error('no claim')
  const { claim } = claimed
  t.true(await store.create({ id: old, user, claim: first.claim, record, max: 10 }))
  const replaces = { id: old, user, token: 't', successor: claim.id }
  await dead.take(replaces)
  t.is(await store.putBack(replaces), 'back')

  await t.throwsAsync(dead.create({ id: claim.id, user, claim, record, max: 10, replaces }))
  t.deepEqual(await store.list(user), [{ id: old, record }])
  // As if it had been so for longer than what was given up is remembered.
  await client.del(`${prefix}s:${claim.id}`)
  await store.revoke(user)

  t.deepEqual(await store.read(old), { state: 'ended' })
})

test('revoke(): one that was interrupted ends a session that was taken meanwhile, when it is put back', async (t) => {
  const { store, client, prefix } = await storeAndClient(t)
  const { id, user } = await create(store)
  const taking = { id, user, token: 't', successor: newId() }
  await store.take(taking)

  // Its process dies after the first step.
  await client.eval(scripts.REVOKE.text, { keys: [`${prefix}u:${user}`], arguments: ['330000'] })

  t.is(await store.putBack(taking), 'over')
  t.is((await store.read(id))?.state, 'ended')
})

// Of itself, because it sets the clock of this process.
test.serial('revoke(): this process’s wall clock has no say in what becomes of tokens', async (t) => {
  // As one in another process: tokens are believed without it, for a while.
  const store = { ...memoryStore(), timeout: 250 }
  const server = await startServer(t, { store, carrier: jwtCarrier({ keys: [KEY] }), handler: who })
  const alice = visitor(server, server.wechat.phone('alice'))
  await alice.logIn()
  t.is((await alice.get()).status, 200)

  const clock = install({ now: Date.now() - 60_000, toFake: ['Date'] })
  t.teardown(() => clock.uninstall())
  await server.session.revoke(server.wechat.user('alice').openId)

  isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
  clock.uninstall()
  await alice.logIn()
  t.is((await alice.get()).status, 200)
})

test('revoke() and destroy(): they work in a Redis that is full', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  const server = await startServer(t, {
    store: redisStore(own.options),
    handler: async (ctx) => {
      if (ctx.path === '/logout') await ctx.$wxSession?.destroy()
      ctx.body = 'ok'
    },
  })
  const [alice, bob] = [
    visitor(server, server.wechat.phone('alice')),
    visitor(server, server.wechat.phone('bob')),
  ]
  await alice.logIn()
  await bob.logIn()
  // So that no script is known to it: to load one needs memory, too.
  await own.use((client) => client.scriptFlush())
  await own.use((client) => client.configSet({ maxmemory: '1', 'maxmemory-policy': 'noeviction' }))

  isRefused(
    t,
    await server.send(await codeLoginHeaders(server.wechat.phone('eve'))),
    'ERR_STORE_UNAVAILABLE',
    503,
  )
  t.is((await alice.get('/logout')).status, 200)
  await server.session.revoke(server.wechat.user('bob').openId)
  // Of one who has no session, too: a login may be in flight.
  await server.session.revoke(server.wechat.user('carol').openId)

  isRefused(t, await alice.get(), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await bob.get(), 'ERR_SESSION_EXPIRED', 401)
})

test.serial(
  'redisStore(): it says once at start-up when Redis would evict keys, by name, and what that breaks',
  async (t) => {
    const own = await startRedis()
    t.teardown(() => own.stop())
    const warnings: string[] = []
    const hear = (warning: Error & { code?: string }) => {
      if (warning.code === 'WEAPP_REDIS_EVICTION') warnings.push(warning.message)
    }
    process.on('warning', hear)
    t.teardown(() => process.off('warning', hear))

    await connectOnce(own.options)
    t.deepEqual(warnings, [])
    await own.use((client) => client.configSet('maxmemory-policy', 'volatile-ttl'))
    await connectOnce(own.options)

    t.is(warnings.length, 1)
    t.regex(warnings[0] ?? '', /volatile-ttl.*revoke\(\).*noeviction/)
    // Where it may not be asked, nothing is said, and nothing fails.
    await own.use((client) => client.sendCommand(['ACL', 'SETUSER', 'default', '-info']))
    await connectOnce(own.options)
    t.is(warnings.length, 1)
  },
)

/** A store, and what its Redis is asked beside it. */
async function storeAndClient(t: ExecutionContext) {
  const { url, prefix } = redis()
  const client = await createClient({ url }).connect()
  const store = redisStore({ url, prefix, timeout: 5000 })
  t.teardown(() => {
    client.destroy()
    return store.close?.()
  })
  return { store, client, prefix }
}

function who(ctx: Context): void {
  ctx.body = { user: ctx.$wxUserInfo }
}

async function connectOnce(options: { url: string; prefix: string; timeout: number }): Promise<void> {
  const store = redisStore(options)
  for (let n = 0; n < 20; n++) await store.read(newId())
  await new Promise((resolve) => setTimeout(resolve, 50))
  await store.close?.()
}

interface Clocks {
  store(): SessionStore
  suffer(trouble?: Trouble): void
  reset(): void
}

/** Stores of several processes on one Redis, whose clock, and this process's own, can be set. */
async function startClocks(t: ExecutionContext): Promise<Clocks> {
  const { url, prefix } = redis()
  const client = await createClient({ url }).connect()
  const now = performance.now.bind(performance)
  let ahead = 0
  let suspended = 0
  performance.now = () => now() - suspended * 1000
  t.teardown(() => {
    performance.now = now
    client.destroy()
  })

  const moved = new Proxy(client, {
    get(target, name) {
      if (name === 'withCommandOptions') return undefined
      if (name === 'evalSha') return evalAt
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

  /** The very script, but for the time that Redis says. */
  function evalAt(sha1: string, options: Parameters<typeof client.eval>[1]): Promise<unknown> {
    const { text = '' } = Object.values(scripts).find((script) => script.sha1 === sha1) ?? {}
    return client.eval(
      text.replace("redis.call('TIME')", `redis.call('TIME'); time[1] = time[1] + ${ahead}`),
      options,
    )
  }

  return {
    store: () => redisStore({ client: moved as unknown as RedisClient, prefix, timeout: 5000 }),
    suffer({ redis, suspended: seconds } = CALM) {
      ahead += redis
      suspended += seconds
      // Redis's clock goes on meanwhile.
      ahead += seconds
    },
    reset() {
      ahead = 0
      suspended = 0
    },
  }
}

function timeline(at: number, trouble: Trouble): Trouble[] {
  return Array.from({ length: 3 }, (_, n) => (n === at ? trouble : CALM))
}

test('redisStore(): the scripts are found by their hashes', (t) => {
  for (const { text, sha1 } of Object.values(scripts))
    t.is(createHash('sha1').update(text).digest('hex'), sha1)
})
