/**
 * The wire as one model: our client and our server, with every carrier, every way to answer, and WeChat's gateway between
 * them.
 *
 *   WEAPP_WIRE_RUNS   how many; default 200. `npm run test:wire` makes 10,000
 *   WEAPP_SEED        which ones; a failure says its seed
 */
import { install } from '@sinonjs/fake-timers'
import test from 'ava'
import fc from 'fast-check'
import { browse, visits } from './browser.js'
import { FAULTS } from './faults.js'
import { play, steps } from './model.js'
import { CARRIERS, type CarrierName, startWorld } from './world.js'

const RUNS = Number(process.env.WEAPP_WIRE_RUNS ?? 200)
const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)

for (const [i, carrier] of (Object.keys(CARRIERS) as CarrierName[]).entries()) {
  // Of itself, because it sets the clock of the process.
  test.serial(
    `Weapp-Login (${carrier}): the client knows who it is, whatever becomes of the answers`,
    async (t) => {
      const world = await startWorld(t, carrier)
      const clock = install({ now: Date.now(), toFake: ['Date'] })
      t.teardown(() => clock.uninstall())
      const pass = (ms: number) => clock.setSystemTime(Date.now() + ms)
      const property = fc.asyncProperty(steps, async (list) => {
        const broken = await play(world, list, pass)
        if (broken) throw new Error(broken)
      })

      const { failed, counterexample, errorInstance, seed } = await fc.check(property, {
        numRuns: Math.ceil(RUNS / 4),
        seed: SEED + i,
        endOnFailure: false,
      })

      t.false(failed, `seed ${seed}: ${(errorInstance as Error)?.message}\n${JSON.stringify(counterexample)}`)
    },
  )
}

for (const [i, carrier] of (['header', 'cookie'] as const).entries()) {
  test(`anonymous (${carrier}): a guest is told of each session that begins, and of no other`, async (t) => {
    const world = await startWorld(t, carrier)
    const property = fc.asyncProperty(visits, async (list) => {
      const broken = await browse(world, list)
      if (broken) throw new Error(broken)
    })

    const { failed, counterexample, errorInstance, seed } = await fc.check(property, {
      numRuns: Math.ceil(RUNS / 4),
      seed: SEED + i,
    })

    t.false(failed, `seed ${seed}: ${(errorInstance as Error)?.message}\n${JSON.stringify(counterexample)}`)
  })
}

for (const [fault, bend] of Object.entries(FAULTS)) {
  test.serial(`model: it finds that ${fault}`, async (t) => {
    const world = await startWorld(t, 'header', bend)
    const clock = install({ now: Date.now(), toFake: ['Date'] })
    t.teardown(() => clock.uninstall())
    const pass = (ms: number) => clock.setSystemTime(Date.now() + ms)
    const property = fc.asyncProperty(steps, async (list) => {
      const broken = await play(world, list, pass)
      if (broken) throw new Error(broken)
    })
    const { failed } = await fc.check(property, { numRuns: 300, seed: SEED, endOnFailure: true })
    t.true(failed)
  })
}
