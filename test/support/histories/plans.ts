import fc from 'fast-check'
import type { Fault } from '../../../simulator/src/index.js'
import type { Choice } from './holders.js'

/** What can be done with one credential. */
export type Act = 'read' | 'write' | 'rotate' | 'logout' | 'revoke'

/** One step of a history, as plain data: what is begun, and ms until the next. */
export type Plan = { pause: number } & (
  | { do: 'login'; phone: number; server: number; withProfile: boolean }
  | { do: 'twin logins'; phone: number; server: number; other: number; gap: number; withProfile: boolean }
  | { do: 'chase'; phone: number; server: number; other: number }
  | { do: 'login again'; session: Choice; server: number; withProfile: boolean }
  | { do: 'read' | 'rotate'; session: Choice; server: number }
  | { do: 'logout'; session: Choice; server: number; again: number }
  | { do: 'write'; session: Choice; server: number; ms: number }
  | { do: 'twin writes'; session: Choice; server: number; ms: number }
  | { do: 'rotate beside'; session: Choice; server: number; act: Act; gap: number; again: number }
  | { do: 'guest'; phone: number; server: number; ms: number }
  | GuestLogin
  | Disturbed
  | { do: 'revoke'; user: number; server: number; again: number }
  | { do: 'slow Redis'; server: number; ms: number; lasting: number }
  | { do: 'freeze'; server: number; ms: number }
  | { do: 'cut Redis' | 'kill'; server: number }
  | { do: 'WeChat'; fault: Fault; times: number }
  | { do: 'settle' }
)

/** A guest logs in, and does something else at the same time; without a guest, one begins. */
export interface GuestLogin {
  do: 'guest login'
  guest: Choice
  phone: number
  server: number
  act: Act | 'login'
  /** ms; negative: the login is first. */
  gap: number
  again: number
}

/** A server begins something, and `after` ms it is disturbed; meanwhile another does something with the same session. */
export interface Disturbed {
  do: 'disturbed'
  session: Choice
  phone: number
  server: number
  what: 'login' | 'guest login' | Act
  /** ms */
  after: number
  /** ms: how far away Redis is until then. */
  away: number
  by: Disturbance
  meanwhile: Act | 'login' | 'nothing'
  again: number
}

export type Disturbance =
  | { kind: 'kill' | 'cut' }
  /** The server is stopped for so many ms: longer than others wait for a login. */
  | { kind: 'stop'; ms: number }
  /** What is on its way to or from Redis comes so many ms later: after the store has given it up. */
  | { kind: 'late'; ms: number }

/** What plans have to know of the servers. */
export interface Times {
  /** ms that others wait for a login. */
  lease: number
  /** ms that a server waits for one call of the store. */
  storeTimeout: number
}

/** @param canMove - whether credentials are handed out: then they rotate, and there are guests */
export function plans(canMove: boolean, times: Times): fc.Arbitrary<Plan> {
  const always = [...REQUESTS, ...FAULTS, disturbed(canMove, times)]
  return fc.oneof<fc.WeightedArbitrary<Plan>[]>(...(canMove ? [...always, ...MOVES] : always))
}

const phone = fc.nat(60)
const server = fc.nat(5)
const withProfile = fc.boolean()

const session: fc.Arbitrary<Choice> = fc.record({
  ago: fc.oneof({ weight: 2, arbitrary: fc.nat(3) }, fc.nat(15)),
  isAny: fc.nat(5).map((n) => n === 0),
  isOld: fc.nat(7).map((n) => n === 0),
})

/** ms */
const aShortTime = fc.oneof(fc.constant(0), fc.nat(10), fc.nat(80))

/** ms: between two that begin at almost the same time. */
const gap = fc.oneof(fc.constant(0), fc.nat(4), fc.nat(20))

/** ms */
const pause = fc.oneof(
  { weight: 10, arbitrary: fc.constant(0) },
  { weight: 10, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.nat(80) },
)

const REQUESTS: fc.WeightedArbitrary<Plan>[] = [
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
    arbitrary: fc.record({ do: fc.constant('login again'), session, server, withProfile, pause }),
  },
  { weight: 140, arbitrary: fc.record({ do: fc.constant('read'), session, server, pause }) },
  { weight: 80, arbitrary: fc.record({ do: fc.constant('write'), session, server, ms: aShortTime, pause }) },
  {
    weight: 40,
    arbitrary: fc.record({ do: fc.constant('twin writes'), session, server, ms: aShortTime, pause }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('logout'), session, server, again: server, pause }) },
  {
    weight: 14,
    arbitrary: fc.record({ do: fc.constant('revoke'), user: fc.nat(20), server, again: server, pause }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('chase'), phone, server, other: server, pause }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle'), pause }) },
]

const MOVES: fc.WeightedArbitrary<Plan>[] = [
  { weight: 30, arbitrary: fc.record({ do: fc.constant('rotate'), session, server, pause }) },
  {
    weight: 40,
    arbitrary: fc.record({
      do: fc.constant('rotate beside'),
      session,
      server,
      act: fc.constantFrom<Act[]>('rotate', 'rotate', 'write', 'write', 'logout', 'logout', 'revoke', 'read'),
      gap: fc.oneof(
        gap,
        fc.nat(4).map((ms) => -ms),
      ),
      again: server,
      pause,
    }),
  },
  { weight: 25, arbitrary: fc.record({ do: fc.constant('guest'), phone, server, ms: aShortTime, pause }) },
  {
    weight: 35,
    arbitrary: fc.record({
      do: fc.constant('guest login'),
      guest: session,
      phone,
      server,
      act: fc.constantFrom<GuestLogin['act'][]>('write', 'write', 'login', 'rotate', 'logout', 'read'),
      gap: fc.oneof(
        gap,
        fc.nat(20).map((ms) => -ms),
      ),
      again: server,
      pause,
    }),
  },
]

const FAULTS: fc.WeightedArbitrary<Plan>[] = [
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
  // Nearly as long as the store waits, or longer.
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
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut Redis'), server, pause }) },
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
  { weight: 3, arbitrary: fc.record({ do: fc.constant('kill'), server, pause }) },
]

function disturbed(canMove: boolean, { lease, storeTimeout }: Times): fc.WeightedArbitrary<Plan> {
  const always: Disturbed['what'][] = ['login', 'login', 'write', 'revoke']
  const moves: Disturbed['what'][] = ['login', 'guest login', 'guest login', 'rotate', 'rotate', 'rotate']
  const others: Disturbed['meanwhile'][] = ['login', 'login', 'login', 'login', 'logout', 'revoke', 'nothing']
  const kindOf = <Kind extends string>(kind: Kind) => fc.constant(kind)
  return {
    weight: canMove ? 4 : 2,
    arbitrary: fc.record({
      do: fc.constant('disturbed'),
      session,
      phone,
      server,
      what: fc.constantFrom(...always, ...(canMove ? moves : [])),
      after: fc.oneof(fc.nat(12), fc.nat(60)),
      away: fc.oneof(fc.constant(0), fc.nat(30)),
      by: fc.oneof<fc.WeightedArbitrary<Disturbance>[]>(
        {
          weight: 4,
          arbitrary: fc.record({
            kind: kindOf('stop'),
            ms: fc.integer({ min: lease + 50, max: lease + 250 }),
          }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            kind: kindOf('late'),
            ms: fc.integer({ min: storeTimeout + 50, max: storeTimeout + 150 }),
          }),
        },
        { weight: 2, arbitrary: fc.record({ kind: kindOf('cut') }) },
        { weight: 1, arbitrary: fc.record({ kind: kindOf('kill') }) },
      ),
      meanwhile: fc.constantFrom<Disturbed['meanwhile'][]>(
        ...others,
        ...(canMove ? ['rotate' as const] : []),
      ),
      again: server,
      pause,
    }),
  }
}
