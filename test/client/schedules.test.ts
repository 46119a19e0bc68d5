import test, { type ExecutionContext } from 'ava'
import { createSession, isSessionError } from '../../client/src/index.js'
import { checkSchedules, SCHEDULES } from './support/check-schedules.js'
import type { ServerFault } from './support/model-server.js'
import { endOf, type ObservedCall } from './support/observed-call.js'
import { type CreateSession, failures, runSchedule } from './support/run-schedule.js'
import { calmSchedule } from './support/schedules.js'
import { createWorld, type World, type WorldOptions } from './support/virtual-world.js'

test.serial(
  'createSession(): where nothing goes wrong but sessions that end and calls that are aborted, nothing fails',
  async (t) => {
    await checkSchedules(t, SCHEDULES / 5, calmSchedule(), (schedule) =>
      runSchedule(schedule, createSession, failures),
    )
  },
)

test.serial(
  'createSession(): a cold start of 50, at random latencies: 1 wx.login, 1 login, 50 requests, no failure',
  async (t) => {
    for (const seed of SEEDS) {
      await inWorld(t, { seed }, async (world) => {
        const calls = times(50, () => world.call())
        await world.settle()

        t.is(failuresOf(calls), 0)
        t.is(world.phone.logins.length, 1)
        t.is(world.phone.sent.filter(({ isLogin }) => isLogin).length, 1)
        t.is(world.phone.sent.length, 50)
        t.is(world.server.exchanges, 1)
      })
    }
  },
)

test.serial('createSession(): 50 requests that start 40 ms apart share the first login too', async (t) => {
  for (const seed of SEEDS) {
    await inWorld(t, { seed }, async (world) => {
      const calls: ObservedCall[] = []
      for (let n = 0; n < 50; n++) {
        calls.push(world.call())
        await world.clock.advance(40)
      }
      await world.settle()

      t.is(failuresOf(calls), 0)
      t.is(world.phone.logins.length, 1)
      t.is(world.phone.sent.length, 50)
    })
  }
})

test.serial(
  'createSession(): 50 requests meet an expired session, answers out of order: 1 login, at most 100 requests',
  async (t) => {
    for (const seed of SEEDS) {
      await inWorld(t, { seed }, async (world) => {
        world.call()
        await world.settle()
        const [logins, sent] = [world.phone.logins.length, world.phone.sent.length]

        world.server.expireAll()
        const calls = times(50, () => world.call())
        await world.settle()

        t.is(failuresOf(calls), 0)
        t.is(world.phone.logins.length - logins, 1)
        t.is(world.server.exchanges, 2)
        t.true(world.phone.sent.length - sent <= 100, `${world.phone.sent.length - sent} requests`)
        t.false(isInOrder(calls.map((call) => endOf(call)?.at ?? 0)), 'answers came in order')
      })
    }
  },
)

test.serial(
  'createSession(): a program that is started again finds its session, and logs in no more',
  async (t) => {
    await inWorld(t, { seed: 1 }, async (world) => {
      world.call()
      await world.settle()
      await world.restart()
      const calls = times(5, () => world.call())
      await world.settle()

      t.is(failuresOf(calls), 0)
      t.is(world.phone.logins.length, 1)
      t.is(world.phone.sent.length, 6)
    })
  },
)

for (const fault of ['expired for ever', 'sessions vanish'] satisfies ServerFault[]) {
  test.serial(
    `createSession(): when a session is always expired (${fault}): 2 logins in a minute, then a clear error`,
    async (t) => {
      for (const seed of SEEDS) {
        await inWorld(t, { seed, latency: quickLatency }, async (world) => {
          const { clock, phone, server } = world
          const began = clock.now()
          server.faults.add(fault)
          while (clock.now() < began + 50_000) {
            world.call()
            await clock.advance(500)
          }

          const logins = phone.sent.filter(({ isLogin }) => isLogin)
          t.true(logins.length <= 2, `${logins.length} logins`)
          t.true(phone.logins.length <= 2, `${phone.logins.length} × wx.login`)

          const before = phone.sent.length
          const last = world.call()
          await clock.flush()
          t.is(phone.sent.length, before)
          isExpired(t, last)
        })
      }
    },
  )
}

const SEEDS = Array.from({ length: 20 }, (_, n) => n)

/** A world that is given back, and in which nothing happened that must not. */
async function inWorld(
  t: ExecutionContext,
  options: Omit<WorldOptions, 'createSession'>,
  live: (world: World) => Promise<void>,
): Promise<void> {
  const world = createWorld({ latency: staggered, ...options, createSession: createSession as CreateSession })
  try {
    await live(world)
    t.deepEqual(world.violations, [])
  } finally {
    world.end()
  }
}

function isExpired(t: ExecutionContext, call: ObservedCall): void {
  const error = endOf(call)?.value
  if (!isSessionError(error)) t.fail(`ended with ${error}`)
  else t.deepEqual([error.code, error.reason], ['ERR_REFUSED', 'ERR_SESSION_EXPIRED'])
}

function failuresOf(calls: ObservedCall[]): number {
  return calls.filter((call) => !endOf(call)?.isSuccess).length
}

function isInOrder(values: number[]): boolean {
  return values.every((value, n) => value >= (values[n - 1] ?? 0))
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

/** ms: answers far apart, and in any order. */
function staggered(random: () => number): number {
  return Math.ceil(random() * 3000)
}

function quickLatency(random: () => number): number {
  return Math.ceil(random() * 100)
}
