/**
 * The wire as one model: our client and our server, with every carrier, every way to answer, and WeChat's gateway between
 * them.
 *
 *   WEAPP_WIRE_RUNS   how many; default 200. `npm run test:wire` makes 10,000
 *   WEAPP_SEED        which ones; a failure says its seed
 */
import { install } from '@sinonjs/fake-timers'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { browse, visits } from './browser.js'
import { FAULTS } from './faults.js'
import { play, steps } from './model.js'
import { CARRIERS, type CarrierName, startWorld } from './world.js'

const RUNS = Number(process.env.WEAPP_WIRE_RUNS ?? 200)
const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)

/** Checks what one list of steps comes to, on servers of their own: `say` says what was broken. */
async function check<Steps>(
  lists: fc.Arbitrary<Steps>,
  say: (list: Steps) => Promise<string | undefined>,
  params: fc.Parameters<[Steps]>,
): Promise<{ failed: boolean; report: string }> {
  const property = fc.asyncProperty(lists, async (list) => {
    const broken = await say(list)
    if (broken) throw new Error(broken)
  })
  const { failed, counterexample, errorInstance, seed } = await fc.check(property, params)
  const message = (errorInstance as Error | null)?.message
  return { failed, report: `seed ${seed}: ${message}\n${JSON.stringify(counterexample)}` }
}

/** The clock of the process: what uses it goes by itself. */
function takeClock(t: ExecutionContext): (ms: number) => void {
  const clock = install({ now: Date.now(), toFake: ['Date'] })
  t.teardown(() => clock.uninstall())
  return (ms) => clock.setSystemTime(Date.now() + ms)
}

for (const [i, carrier] of (Object.keys(CARRIERS) as CarrierName[]).entries()) {
  test.serial(
    `Weapp-Login (${carrier}): the client knows who it is, whatever becomes of the answers`,
    async (t) => {
      const world = await startWorld(t, carrier)
      const pass = takeClock(t)
      const params = { numRuns: Math.ceil(RUNS / 4), seed: SEED + i, endOnFailure: false }
      const { failed, report } = await check(steps, (list) => play(world, list, pass), params)
      t.false(failed, report)
    },
  )
}

for (const [i, carrier] of (['header', 'cookie'] as const).entries()) {
  test(`anonymous (${carrier}): a guest is told of each session that begins, and of no other`, async (t) => {
    const world = await startWorld(t, carrier)
    const params = { numRuns: Math.ceil(RUNS / 4), seed: SEED + i }
    const { failed, report } = await check(visits, (list) => browse(world, list), params)
    t.false(failed, report)
  })
}

for (const [fault, bend] of Object.entries(FAULTS)) {
  test.serial(`model: it finds that ${fault}`, async (t) => {
    const world = await startWorld(t, 'header', bend)
    const pass = takeClock(t)
    const params = { numRuns: 300, seed: SEED, endOnFailure: true }
    const { failed } = await check(steps, (list) => play(world, list, pass), params)
    t.true(failed)
  })
}
