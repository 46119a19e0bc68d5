import fc from 'fast-check'
import { SERVER_FAULTS } from './model-server.js'
import { CARRIERS } from './model-sessions.js'
import type { Command, Schedule } from './schedule.js'
import { PHONE_FAULTS } from './virtual-phone.js'
import { PROFILES, TARGET_NAMES, type Target } from './virtual-world.js'

/** Lives in which anything may happen. */
export function anySchedule(): fc.Arbitrary<Schedule> {
  const command = fc.oneof<fc.WeightedArbitrary<Command>[]>(
    { weight: 10, arbitrary: aCall(TARGET_NAMES) },
    { weight: 10, arbitrary: aWait },
    { weight: 4, arbitrary: only('tick') },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('abort'), nth: fc.nat(20) }) },
    { weight: 2, arbitrary: only('expire all') },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('expire one'), nth: fc.nat(3) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('server', 'server well again'),
        fault: fc.constantFrom(...SERVER_FAULTS),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('phone', 'phone well again'),
        fault: fc.constantFrom(...PHONE_FAULTS),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('hang'),
        what: fc.constantFrom('login', 'userInfo', 'request'),
        times: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 2, arbitrary: only('login') },
    { weight: 2, arbitrary: only('logout') },
    { weight: 1, arbitrary: only('cancel all') },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('freeze'), ms: aLongTime }) },
    { weight: 1, arbitrary: only('background') },
    { weight: 1, arbitrary: only('foreground') },
    { weight: 1, arbitrary: only('switch network') },
    { weight: 1, arbitrary: only('spoil storage') },
    { weight: 1, arbitrary: only('restart') },
    { weight: 2, arbitrary: only('rotate') },
    { weight: 2, arbitrary: only('renew') },
  )
  return scheduleOf(fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }))
}

/** Lives in which nothing goes wrong but what a client can mend, so that calls have no reason to fail. */
export function calmSchedule(): fc.Arbitrary<Schedule> {
  const step = fc.oneof<fc.WeightedArbitrary<Command[]>[]>(
    { weight: 6, arbitrary: fc.tuple(aCall(['relative', 'our origin', 'an allowed origin'])) },
    { weight: 6, arbitrary: fc.tuple(aWait) },
    { weight: 2, arbitrary: fc.tuple(only('tick')) },
    { weight: 2, arbitrary: fc.tuple(fc.record({ do: fc.constant('abort'), nth: fc.nat(20) })) },
    { weight: 1, arbitrary: fc.tuple(only('login')) },
    { weight: 1, arbitrary: fc.tuple(only('restart')) },
    { weight: 1, arbitrary: fc.tuple(fc.record({ do: fc.constant('freeze'), ms: aLongTime })) },
    // Two that come close together are no accident any more: then logins stop, and calls fail.
    { weight: 1, arbitrary: fc.constant([{ do: 'expire all' }, { do: 'wait', ms: 150_000 }]) },
    { weight: 1, arbitrary: fc.tuple(only('renew')) },
    // Who aborts the call whose answer brings the new credential, or does not see its header, loses the session.
    {
      weight: 2,
      arbitrary: fc.tuple(
        aCall(['relative', 'our origin', 'an allowed origin']),
        fc.constant({ do: 'wait', ms: 60_000 }),
        only('renew'),
        only('rotate'),
        aRequest,
        aRequest,
        fc.constant({ do: 'wait', ms: 150_000 }),
      ),
    },
  )
  const steps = fc.array(step, { minLength: 1, maxLength: 25, size: 'max' })
  const calm = { deadline: 60_000, loginTimeout: 10_000, latency: 500, isOdd: false }
  return scheduleOf(steps.map((parts) => parts.flat())).map((schedule) => ({ ...schedule, ...calm }))
}

function scheduleOf(commands: fc.Arbitrary<Command[]>): fc.Arbitrary<Schedule> {
  const settings = fc.record({
    seed: fc.nat(0xffff),
    profile: fc.constantFrom(...PROFILES),
    carrier: fc.constantFrom(...CARRIERS),
    isOld: fc.constantFrom(false, false, false, true),
    deadline: fc.constantFrom(60_000, 60_000, 20_000, 3000),
    loginTimeout: fc.constantFrom(10_000, 2000),
    hasHeaderEvents: fc.boolean(),
    isOdd: fc.constantFrom(false, false, true),
    latency: fc.constantFrom(30_000, 4000, 200),
    commands,
  })
  // Who gives a call less time than its login may take has no right to a session.
  return settings.map((schedule) => ({
    ...schedule,
    loginTimeout: Math.min(schedule.loginTimeout, schedule.deadline / 3),
  }))
}

function aCall(targets: readonly Target[]): fc.Arbitrary<Command> {
  return fc.record({
    do: fc.constant('call'),
    times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 6 })),
    plan: fc.record({
      api: fc.constantFrom('request', 'request', 'uploadFile', 'downloadFile', 'connectSocket'),
      method: fc.constantFrom('GET', 'POST'),
      to: fc.oneof({ weight: 4, arbitrary: fc.constant('relative') }, fc.constantFrom(...targets)),
      body: fc.constantFrom('json', 'text', 'arraybuffer'),
      style: fc.constantFrom('both', 'callbacks', 'promise'),
      isThrowing: fc.boolean(),
      session: fc.constantFrom('required', 'required', 'required', 'optional', 'none'),
    }),
  })
}

const aRequest = aCall(['relative', 'our origin', 'an allowed origin']).map(
  (command): Command =>
    command.do === 'call' ? { ...command, plan: { ...command.plan, api: 'request' } } : command,
)

const aWait: fc.Arbitrary<Command> = fc.record({
  do: fc.constant('wait'),
  ms: fc.oneof(fc.nat(10), fc.nat(500), fc.nat(5000), fc.nat(70_000)),
})

/** ms: longer than a code lives, or than a session. */
const aLongTime = fc.constantFrom(300_000, 8_000_000, -3_600_000)

function only<Name extends Command['do']>(name: Name): fc.Arbitrary<{ do: Name }> {
  return fc.constant({ do: name })
}
