import test from 'ava'
import fc from 'fast-check'
import type { Wechat } from '../../src/simulator/index.js'
import { historyOf } from '../support/histories/examples.js'
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

/** ms that a login is waited for: the exchange, and what src/middleware.ts adds for the store. */
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

/** What the rules have to say of small histories, of users who may have one session for a second. */
const EXAMPLES: Record<string, string[]> = {
  'nothing of a life as it should be': [
    '0–10 login c1 → 200',
    '20–30 write c1 w1 → 200 w1',
    '20–30 write c1 w2 → 409',
    '40–50 read c1 → 200 w1',
    '40–60 logout c1 → 200 w1',
    '55–65 read c1 → 401',
    '70–80 login c2 → 200',
    '85–95 revoke → 503',
    '90–95 read c2 → 401',
    '100–110 login c3 → 200',
    '120–130 login c4 → 200',
    '140–150 read c3 → 401',
    '1300–1310 read c4 → 401',
  ],
  'a session is good again after its end': [
    '0–10 login c1 → 200',
    '20–30 logout c1 → 200',
    '31–40 read c1 → 200',
  ],
  'a session is good again after its end: that of a login under way': [
    '0–90 login c1 → 200',
    '50–60 revoke → 200',
    '91–99 read c1 → 200',
  ],
  'a session is good again after its end: whatever was the reason': [
    '0–10 login c1 → 200',
    '20–30 logout c1 → 503',
    '31–40 read c1 → 401',
    '41–50 read c1 → 200',
  ],
  'a write is lost': ['0–10 login c1 → 200', '20–30 write c1 w1 → 200 w1', '31–40 read c1 → 200'],
  'a refused write is there': ['0–10 login c1 → 200', '20–30 write c1 w1 → 409', '31–40 read c1 → 200 w1'],
  'w1 comes from nowhere': ['0–10 login c1 → 200', '31–40 read c1 → 200 w1'],
  'two answers contradict each other': [
    '0–10 login c1 → 200',
    '20–30 write c1 w1 → 200 w1',
    '20–30 write c1 w2 → 200 w2',
  ],
  'a session is lost': ['0–10 login c1 → 200', '31–40 read c1 → 401'],
  'a session is lost, and an older one lives': [
    '0–10 login c1 → 200',
    '20–30 login c2 → 200',
    '40–50 read c2 → 401',
  ],
  'a login is refused': ['0–10 login c1 → 401'],
  'a session is good after its expiry': ['0–10 login c1 → 200', '1200–1210 read c1 → 200'],
  'an impossible answer': ['0–10 login c1 → 500'],
  'nothing of rotations as they should be': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '21–32 rotate c1 → 409',
    '25–45 write c1 w1 → 409',
    '40–50 read c1 → 401',
    '40–50 write c1.2 w2 → 200 w2',
    '60–70 rotate c1.2 → 409',
    '80–90 read c1.2 → 200 w2',
    '100–110 rotate c1.2 → dead',
    '120–130 read c1.2 → 401',
  ],
  'a rotation changes nothing': ['0–10 login c1 → 200', '20–30 rotate c1 → 200'],
  'a credential is good after its rotation': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '40–50 write c1 w1 → 409',
  ],
  'a credential is taken twice': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '20–30 rotate c1 → 200 gives c1.3',
  ],
  'a session is good again after its end: a rotation outlives a logout': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '20–30 logout c1 → 200',
    '40–50 read c1.2 → 200',
  ],
  'a write is lost: a rotation leaves it behind': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '20–30 write c1 w1 → 200 w1',
    '40–50 read c1.2 → 200',
  ],
  'a session is lost: by a rotation that was refused': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 503',
    '40–50 read c1 → 401',
  ],
  'nothing of guests as they should be': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '20–30 write g1 w2 → 200 w1,w2',
    '40–50 login c1 after g1 → 200 w1,w2 new',
    '45–55 write g1 w3 → 409',
    '60–70 read g1 → 401',
    '60–70 write c1 w4 → 200 w1,w2,w4',
    '80–90 write new g2 w5 → 200 w5 gives g2 new',
    '100–110 logout g2 → 200 w5',
    '120–130 login c2 after g2 → 200 new',
    '140–150 write new g3 w6 → dead',
  ],
  'a guest is good after their login': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 w1 new',
    '60–70 read g1 → 200 w1',
  ],
  'the data of a guest is in two sessions': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 w1 new',
    '41–50 login c2 after g1 → 200 w1 new',
  ],
  'the data of a guest is lost': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 new',
  ],
  'a write is lost: of a guest who logs in meanwhile': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 w1 new',
    '40–50 write g1 w2 → 200 w1,w2',
    '60–70 read c1 → 200 w1',
  ],
  'w1 comes from nowhere: of a guest who did not log in': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 → 200 w1 new',
  ],
  'a session is lost: of a guest whose login was refused': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 502',
    '60–70 read g1 → 401',
  ],
  'a code that was told to be spent has a session': [
    '0–3000 login c1 → 200',
    '20–1600 login c1 → 401 ERR_SESSION_KEY_EXCHANGE_FAILED',
  ],
  'no answer from a server that lives': ['0–10 login c1'],
  'a request does not end': ['0–20000 login c1'],
}

for (const [title, lines] of Object.entries(EXAMPLES)) {
  test(`the rules see ${title}`, (t) => {
    const expected = title.startsWith('nothing') ? [] : [title.split(/[:,]/)[0]]
    const history = historyOf(lines)
    const openIds = new Map([['alice', 'o-alice']])
    const settings = { openIds, maxSessionsPerUser: 1, ttl: 1000, lease: LEASE }
    const found = violationsOf(history, settings)
    t.deepEqual(
      found.map(({ text }) => text.split('\n')[0]),
      expected,
    )
  })
}

test('the rules see an answer for somebody else, a code that is sent twice, a session too many', (t) => {
  const history = historyOf(['0–10 login c1 → 200', '20–30 read c1 → 200'], 'o-bob')
  history.exchanges.push({ code: 'c1', at: 7 })
  history.censuses.push({ at: 50, user: 'alice', live: ['c1', 'c2'], isAfterLogin: true })

  const openIds = new Map([['alice', 'o-alice']])
  const found = violationsOf(history, { openIds, maxSessionsPerUser: 1, ttl: 1000, lease: LEASE })

  t.deepEqual(
    found.map(({ text }) => text.split('\n')[0]),
    [
      'an answer for somebody else',
      'an answer for somebody else',
      'WeChat is sent c1 2 times',
      '2 sessions: c1 c2',
    ],
  )
})

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
    first.split('\nOf ')[0],
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
