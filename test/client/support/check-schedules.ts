import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { type Schedule, shorten, show } from './schedule.js'

/** How many schedules, and which: the same seed makes the same ones. */
export const SCHEDULES: number = Number(process.env.WEAPP_SCHEDULES ?? 10_000)
const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)

/** Some of the many lives there are: all of them must be without a violation. `turn`: others for each of the files that look. */
export async function checkSchedules(
  t: ExecutionContext,
  numRuns: number,
  schedules: fc.Arbitrary<Schedule>,
  violationsOf: (schedule: Schedule) => Promise<string[]>,
  turn = 0,
): Promise<void> {
  const seed = SEED + turn
  t.timeout(600_000)
  t.log(`${numRuns} schedules, seed ${seed}`)
  const property = fc.asyncProperty(
    schedules,
    async (schedule) => (await violationsOf(schedule)).length === 0,
  )

  const { counterexample } = await fc.check(property, { numRuns, seed })

  if (counterexample === null) {
    t.pass()
    return
  }
  const shortest = await shorten(
    counterexample[0],
    async (schedule) => (await violationsOf(schedule)).length > 0,
  )
  t.fail([show(shortest), ...(await violationsOf(shortest))].join('\n'))
}
