import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Fault } from '../../../src/simulator/index.js'
import type { Choice, User, World } from './world.js'

/** One step of a history, as plain data: what is begun, and ms until the next. */
type Plan = { pause: number } & (
  | { do: 'login'; phone: number; server: number; withProfile: boolean }
  | { do: 'twin logins'; phone: number; server: number; other: number; gap: number; withProfile: boolean }
  | { do: 'chase'; phone: number; server: number; other: number }
  | { do: 'login again'; code: Choice; server: number; withProfile: boolean }
  | { do: 'read'; code: Choice; server: number }
  | { do: 'logout'; code: Choice; server: number; again: number }
  | { do: 'write'; code: Choice; server: number; ms: number }
  | { do: 'twin writes'; code: Choice; server: number; ms: number }
  | { do: 'revoke'; user: number; server: number; again: number }
  | { do: 'slow Redis'; server: number; ms: number; lasting: number }
  | { do: 'freeze'; server: number; ms: number }
  | { do: 'cut Redis' | 'kill'; server: number }
  | { do: 'WeChat'; fault: Fault; times: number }
  | { do: 'settle' }
)

/** All that has to be known to see whether a step makes sense. */
export interface Model {
  codes: number
  /** How many steps were taken. */
  steps: number
}

export type Step = fc.AsyncCommand<Model, World>

/** Steps begin things, and most do not wait for them: what they begin overlaps. */
export function anySteps(maxCommands: number): fc.Arbitrary<Iterable<Step>> {
  const plan = fc.oneof<fc.WeightedArbitrary<Plan>[]>(
    { weight: 60, arbitrary: fc.record({ do: fc.constant('login'), phone, server, withProfile, pause }) },
    {
      weight: 25,
      arbitrary: fc.record({
        do: fc.constant('twin logins'),
        phone,
        server,
        other: server,
        gap: fc.oneof(fc.constant(0), fc.nat(60)),
        withProfile,
        pause,
      }),
    },
    {
      weight: 40,
      arbitrary: fc.record({ do: fc.constant('login again'), code, server, withProfile, pause }),
    },
    { weight: 140, arbitrary: fc.record({ do: fc.constant('read'), code, server, pause }) },
    { weight: 80, arbitrary: fc.record({ do: fc.constant('write'), code, server, ms: aShortTime, pause }) },
    {
      weight: 40,
      arbitrary: fc.record({ do: fc.constant('twin writes'), code, server, ms: aShortTime, pause }),
    },
    { weight: 12, arbitrary: fc.record({ do: fc.constant('logout'), code, server, again: server, pause }) },
    {
      weight: 14,
      arbitrary: fc.record({ do: fc.constant('revoke'), user: fc.nat(20), server, again: server, pause }),
    },
    {
      weight: 25,
      arbitrary: fc.record({
        do: fc.constant('slow Redis'),
        server,
        ms: fc.nat(60),
        lasting: fc.nat(400),
        pause,
      }),
    },
    // Longer than the store waits.
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('slow Redis'),
        server,
        ms: fc.constantFrom(300, 600),
        lasting: fc.nat(100),
        pause,
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('cut Redis'), server, pause }) },
    {
      weight: 20,
      arbitrary: fc.record({
        do: fc.constant('WeChat'),
        fault: fc.oneof(
          { weight: 12, arbitrary: fc.record({ delay: fc.nat(150) }) },
          fc.record({ delay: fc.constant(800) }),
          fc.record({ errcode: fc.constantFrom(-1, 40029, 45011) }),
          fc.constantFrom('lost' as const, 'truncated' as const),
        ),
        times: fc.integer({ min: 1, max: 3 }),
        pause,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('freeze'),
        server,
        ms: fc.oneof(fc.nat(200), fc.nat(1000)),
        pause,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('kill'), server, pause }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('settle'), pause }) },
  )
  return fc.commands([plan.map(stepOf)], { maxCommands, size: 'max' })
}

const phone = fc.nat(60)
const server = fc.nat(5)
const withProfile = fc.boolean()

const code: fc.Arbitrary<Choice> = fc.record({
  ago: fc.oneof({ weight: 2, arbitrary: fc.nat(3) }, fc.nat(15)),
  isAny: fc.nat(5).map((n) => n === 0),
})

/** ms */
const aShortTime = fc.oneof(fc.constant(0), fc.nat(10), fc.nat(80))

/** ms */
const pause = fc.oneof(
  { weight: 10, arbitrary: fc.constant(0) },
  { weight: 10, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.nat(80) },
)

function stepOf(plan: Plan): Step {
  const isAboutCode = 'code' in plan
  return {
    check: (model) => !isAboutCode || model.codes > 0,
    async run(model, world) {
      await take(plan, world)
      model.codes = world.codes.length
      model.steps++
      if (plan.pause > 0) await sleep(plan.pause)
    },
    toString: () => showPlan(plan),
  }
}

async function take(plan: Plan, world: World): Promise<void> {
  switch (plan.do) {
    case 'login':
      return world.login(await world.newCode(plan.phone), plan.server, plan.withProfile)
    case 'twin logins': {
      const code = await world.newCode(plan.phone)
      await world.login(code, plan.server, plan.withProfile)
      if (plan.gap > 0) await sleep(plan.gap)
      return world.login(code, plan.other, !plan.withProfile)
    }
    case 'chase':
      return world.chase(await world.newCode(plan.phone), plan.server, plan.other)
    case 'login again':
      return world.login(world.code(plan.code), plan.server, plan.withProfile)
    case 'read':
      return world.read(world.code(plan.code), plan.server)
    case 'logout':
      return world.logout(world.code(plan.code), plan.server, plan.again)
    case 'write':
      return world.write(world.code(plan.code), plan.server, plan.ms)
    case 'twin writes':
      await world.write(world.code(plan.code), plan.server, plan.ms)
      return world.write(world.code(plan.code), plan.server + 1, plan.ms)
    case 'revoke':
      return world.revoke(world.users[plan.user % world.users.length] as User, plan.server, plan.again)
    case 'slow Redis':
      return world.slowRedis(plan.server, plan.ms, plan.lasting)
    case 'cut Redis':
      return world.cutRedis(plan.server)
    case 'freeze':
      return world.freeze(plan.server, plan.ms)
    case 'kill':
      return world.kill(plan.server)
    case 'WeChat':
      return world.failWechat(plan.fault, plan.times)
    case 'settle':
      return world.settle()
  }
}

function showPlan({ do: what, ...rest }: Plan): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return `${what}: ${details.join(', ')}`
}
