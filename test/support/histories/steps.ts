import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Credential, User } from './holders.js'
import {
  type Act,
  type Disturbance,
  type Disturbed,
  type GuestLogin,
  type Plan,
  plans,
  type Times,
} from './plans.js'
import type { Begun, World } from './world.js'

/** All that has to be known to see whether a step makes sense. */
export interface Model {
  /** Whether anybody holds a credential. */
  hasSessions: boolean
  /** How many steps were taken. */
  steps: number
}

export type Step = fc.AsyncCommand<Model, World>

export interface StepsOptions extends Times {
  /** How many, at most. */
  most: number
  /** Whether credentials are handed out: then they rotate, and there are guests. */
  canMove: boolean
}

/** Steps begin things, and most do not wait for them: what they begin overlaps. */
export function anySteps({ most, canMove, ...times }: StepsOptions): fc.Arbitrary<Iterable<Step>> {
  return fc.commands([plans(canMove, times).map(stepOf)], { maxCommands: most, size: 'max' })
}

const ANY = { ago: 0, isAny: true, isOld: false }

function stepOf(plan: Plan): Step {
  const needsSession = 'session' in plan
  return {
    check: ({ hasSessions }) => !needsSession || hasSessions,
    async run(model, world) {
      await take(plan, world)
      model.hasSessions = world.choose(ANY) !== undefined
      model.steps++
      if (plan.pause > 0) await sleep(plan.pause)
    },
    toString: () => showPlan(plan),
  }
}

async function take(plan: Plan, world: World): Promise<unknown> {
  switch (plan.do) {
    case 'login':
      return world.login(await world.newCode(plan.phone), plan.server, plan.withProfile)
    case 'twin logins': {
      const holder = await world.newCode(plan.phone)
      await world.login(holder, plan.server, plan.withProfile)
      if (plan.gap > 0) await sleep(plan.gap)
      return world.login(holder, plan.other, !plan.withProfile)
    }
    case 'chase':
      return world.chase(await world.newCode(plan.phone), plan.server, plan.other)
    case 'guest':
      return world.writeAsGuest(plan.phone, plan.server, plan.ms)
    case 'guest login':
      return logInAsGuest(plan, world)
    case 'revoke': {
      const user = world.users[plan.user % world.users.length] as User
      const revocation = await world.revoke(user, plan.server)
      const last = world.lastOf(user)
      return last && world.follow([revocation], last, plan.again)
    }
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
    default: {
      const credential = world.choose(plan.session)
      return credential && use(credential, plan, world)
    }
  }
}

type Use = Extract<Plan, { session: unknown }>

async function use(credential: Credential, plan: Use, world: World): Promise<unknown> {
  const { holder } = credential
  switch (plan.do) {
    case 'login again':
      return holder.login && world.login(holder, plan.server, plan.withProfile)
    case 'read':
      return world.read(credential, plan.server)
    case 'rotate':
      return world.rotate(credential, plan.server)
    case 'write':
      return world.write(credential, plan.server, plan.ms)
    case 'twin writes':
      await world.write(credential, plan.server, plan.ms)
      return world.write(credential, plan.server + 1, plan.ms)
    case 'logout':
      return world.follow([await world.logout(credential, plan.server)], holder, plan.again)
    case 'rotate beside': {
      const begun = await both(
        () => world.rotate(credential, plan.server),
        () => act(plan.act, credential, plan.server + 1, world),
        plan.gap,
      )
      return world.follow(begun, holder, plan.again)
    }
    case 'disturbed':
      return disturb(credential, plan, world)
  }
}

async function logInAsGuest(plan: GuestLogin, world: World): Promise<unknown> {
  const guest = world.chooseGuest(plan.guest)
  if (!guest) return world.writeAsGuest(plan.phone, plan.server, 0)

  const { user } = guest.holder
  const holder = await world.newCode(plan.phone, user)
  const other = plan.act === 'login' ? await world.newCode(plan.phone + 1, user) : undefined
  const begun = await both(
    () =>
      other
        ? world.login(other, plan.server + 1, false, guest)
        : act(plan.act as Act, guest, plan.server + 1, world),
    () => world.login(holder, plan.server, true, guest),
    plan.gap,
  )
  world.follow(begun, guest.holder, plan.again)
  if (other) world.follow(begun, other, plan.again)
  return world.follow(begun, holder, plan.again)
}

/** In the middle of what it does, a server is disturbed; the next one does something else with the same session. */
async function disturb(credential: Credential, plan: Disturbed, world: World): Promise<void> {
  const { server, what, meanwhile, again } = plan
  const isLogin = what === 'login' || what === 'guest login'
  const guest = what === 'guest login' ? world.chooseGuest(plan.session) : undefined
  const holder = isLogin ? await world.newCode(plan.phone, guest?.holder.user) : credential.holder
  const used = isLogin ? guest : credential

  if (plan.away > 0) await world.slowRedis(server, plan.away, plan.after)
  const begun = [
    isLogin ? await world.login(holder, server, true, guest) : await act(what, credential, server, world),
  ]
  await sleep(plan.after)
  await befall(server, plan.by, world)

  if (meanwhile === 'login') {
    if (holder.login) begun.push(await world.login(holder, server + 1, false))
  } else if (meanwhile === 'revoke') begun.push(await world.revoke(holder.user, server + 1))
  else if (meanwhile !== 'nothing' && used) begun.push(await act(meanwhile, used, server + 1, world))

  if (guest) world.follow(begun, guest.holder, again)
  world.follow(begun, holder, again)
}

function befall(server: number, by: Disturbance, world: World): void | Promise<void> {
  switch (by.kind) {
    case 'kill':
      return world.kill(server)
    case 'cut':
      return world.cutRedis(server)
    case 'stop':
      return world.freeze(server, by.ms)
    case 'late':
      return world.slowRedis(server, by.ms, A_MOMENT)
  }
}

/** ms: what is sent later goes its usual way. */
const A_MOMENT = 10

/** Begins two things, one so many ms after the other: the second first, when that is negative. */
async function both(
  first: () => Promise<Begun>,
  second: () => Promise<Begun>,
  gap: number,
): Promise<Begun[]> {
  const [one, other] = gap < 0 ? [second, first] : [first, second]
  const begun = await one()
  if (gap !== 0) await sleep(Math.abs(gap))
  return [begun, await other()]
}

function act(what: Act, credential: Credential, server: number, world: World): Promise<Begun> {
  switch (what) {
    case 'read':
      return world.read(credential, server)
    case 'write':
      return world.write(credential, server, 0)
    case 'rotate':
      return world.rotate(credential, server)
    case 'logout':
      return world.logout(credential, server)
    case 'revoke':
      return world.revoke(credential.holder.user, server)
  }
}

function showPlan({ do: what, ...rest }: Plan): string {
  const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return `${what}: ${details.join(', ')}`
}
