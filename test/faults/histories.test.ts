import test from 'ava'
import fc from 'fast-check'
import type { Wechat } from '../../simulator/src/index.js'
import { type Fleet, startFleet } from '../support/histories/fleet.js'
import { type History, show } from '../support/histories/history.js'
import { violationsOf } from '../support/histories/rules.js'
import { shorten } from '../support/histories/shorten.js'
import { anySteps, type Step } from '../support/histories/steps.js'
import { createWorld } from '../support/histories/world.js'
import { startRedis } from '../support/redis.js'
import { startWechat } from '../support/wechat.js'

/** How many steps, and which: the same seed takes the same steps, although not at the same µs. */
const STEPS = Number(process.env.WEAPP_STEPS ?? 10_000)
const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)

interface Sessions {
  maxSessionsPerUser: number
  /** Seconds. */
  ttl: number
  rolling?: boolean
  /** Seconds. */
  maxAge?: number
}

/** How credentials travel: the code itself, or others, which a server hands out, to guests too. */
type Carrier = 'code' | 'header'

/** What sessions are like, and how much of all steps they take. */
const LIVES: { title: string; carrier: Carrier; sessions: Sessions; share: number }[] = [
  {
    title: 'three sessions for each user',
    carrier: 'code',
    sessions: { maxSessionsPerUser: 3, ttl: 7200 },
    share: 0.2,
  },
  {
    title: 'three sessions for each user, rotations and guests',
    carrier: 'header',
    sessions: { maxSessionsPerUser: 3, ttl: 7200 },
    share: 0.35,
  },
  {
    title: 'sessions of two seconds, rotations and guests',
    carrier: 'header',
    sessions: { maxSessionsPerUser: 3, ttl: 2 },
    share: 0.15,
  },
  {
    title: 'one session for each user, which lives for a second after its last use, and for three at most',
    carrier: 'code',
    sessions: { maxSessionsPerUser: 1, ttl: 1, rolling: true, maxAge: 3 },
    share: 0.15,
  },
  {
    title: 'one session for each user, for a second after its last use; rotations and guests',
    carrier: 'header',
    sessions: { maxSessionsPerUser: 1, ttl: 1, rolling: true, maxAge: 3 },
    share: 0.15,
  },
]

/** Of headerCarrier(). */
const KEYS = ['a key of thirty-two bytes or more, for tests']

/** Steps of one history, at most. */
const LONGEST = 400

/** ms: time to look for a shorter history that goes wrong as well. */
const TIME_TO_SHRINK = 90_000

/** ms: short, so that what waits for a dead server waits within a history. */
const EXCHANGE_TIMEOUT = 500
const STORE_TIMEOUT = 1000

/** ms that a login is waited for: the exchange, and what src/mini-program.ts adds for the store. */
const LEASE = EXCHANGE_TIMEOUT + 1000

for (const { title, carrier, sessions, share } of LIVES) {
  test.serial(`whatever happens to servers, Redis and WeChat: ${title}`, async (t) => {
    t.timeout(600_000)
    const redis = await startRedis()
    t.teardown(() => redis.stop())
    // One key for each user, whichever of their phones asks: so no login fails because of another's.
    const wechat = startWechat(t, { sessionKeyMinAge: 3_600_000 })
    const fleet = await startFleet(t, {
      wechat,
      redis,
      options: sessions,
      ...(carrier === 'header' && { keys: KEYS }),
      storeTimeout: STORE_TIMEOUT,
      exchangeTimeout: EXCHANGE_TIMEOUT,
    })
    const counts = createCounts()
    const began = Date.now()

    try {
      for (let seed = SEED; counts.steps < STEPS * share; seed++) {
        const before = counts.show()
        const trouble = await lookForTrouble(seed, anyStepsOf(carrier), (steps) =>
          live(steps, { fleet, wechat, carrier, sessions, counts }),
        )
        if (trouble) t.fail(`${trouble}\nBefore: ${before}`)
      }
    } finally {
      await fleet.close()
    }

    t.log(`${counts.show()}, ${Math.round((Date.now() - began) / 1000)} s, from seed ${SEED}`)
    t.pass()
  })
}

/** Lives one history. When it goes wrong: how, and how the shortest does that was found. */
async function lookForTrouble(
  seed: number,
  anySteps: fc.Arbitrary<Iterable<Step>>,
  liveThrough: (steps: Iterable<Step>) => Promise<string | undefined>,
): Promise<string | undefined> {
  let trouble: string | undefined
  const isBad = async (steps: Iterable<Step>): Promise<boolean> => {
    const found = await liveThrough(steps)
    trouble = found ?? trouble
    return found !== undefined
  }
  const property = fc.asyncProperty(anySteps, async (steps) => !(await isBad(steps)))

  const once = { numRuns: 1, unbiased: true, endOnFailure: true }
  const { counterexample, counterexamplePath, errorInstance } = await fc.check(property, { seed, ...once })

  if (counterexample === null) return undefined
  const first = trouble ?? String(errorInstance)
  const shortest = await shorten([...counterexample[0]], isBad, TIME_TO_SHRINK)
  return [
    `seed ${seed}, path ${counterexamplePath}:`,
    first,
    `In short, ${shortest.length} steps:`,
    ...shortest.map((step) => `  ${step}`),
    trouble,
  ].join('\n')
}

function anyStepsOf(carrier: Carrier): fc.Arbitrary<Iterable<Step>> {
  return anySteps({ most: LONGEST, canMove: carrier === 'header', lease: LEASE, storeTimeout: STORE_TIMEOUT })
}

interface Life {
  fleet: Fleet
  wechat: Wechat
  carrier: Carrier
  sessions: Sessions
  counts: Counts
}

async function live(steps: Iterable<Step>, life: Life): Promise<string | undefined> {
  const { fleet, wechat, carrier, sessions, counts } = life
  const { maxSessionsPerUser, ttl, maxAge } = sessions
  const suffix = ` of ${counts.histories}`
  const world = createWorld({ fleet, wechat, suffix, isCodeTheCredential: carrier === 'code' })
  const model = { hasSessions: false, steps: 0 }
  await fc.asyncModelRun(() => ({ model, real: world }), steps)
  await world.end()
  counts.add(world.history, model.steps)

  const [first, ...others] = violationsOf(world.history, {
    openIds: new Map(world.users.map(({ name, openId }) => [name, openId])),
    maxSessionsPerUser,
    ttl: ttl * 1000,
    ...(maxAge !== undefined && { maxAge: maxAge * 1000 }),
    lease: LEASE,
  })
  if (!first) return undefined
  const rest = others.slice(0, 5).map(({ text }) => text)
  return [first.text, ...rest, `Of ${first.user}:`, show(world.history, first.user)].join('\n')
}

interface Counts {
  histories: number
  steps: number
  add(history: History, steps: number): void
  show(): string
}

/** How much happened: so that nobody takes a run in which everything was refused for a good one. */
function createCounts(): Counts {
  const answers = new Map<string, number>()
  let kills = 0
  const counts: Counts = {
    histories: 0,
    steps: 0,
    add({ operations, deaths }, steps) {
      counts.histories++
      counts.steps += steps
      kills += deaths.size
      for (const { what, answer } of operations) {
        const key = `${what} ${answer?.status ?? 'lost'}`
        answers.set(key, (answers.get(key) ?? 0) + 1)
      }
    },
    show() {
      const each = [...answers].sort().map(([key, count]) => `${key}: ${count}`)
      return `${counts.histories} histories, ${counts.steps} steps, ${kills} kills; ${each.join(', ')}`
    },
  }
  return counts
}
