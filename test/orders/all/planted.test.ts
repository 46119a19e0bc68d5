/** What the orders are worth: each fault that is put into the store on purpose is found by a pair of requests. */
import test from 'ava'
import { explore, nameOf } from '../explore.js'
import { planted } from '../planted.js'
import { worlds } from '../world.js'

/** ms for each, at most. */
const TIME = 20_000

for (const { what, task, needsFault } of planted()) {
  test.serial(`the orders of two requests find that ${what}`, async (t) => {
    if (process.env.WEAPP_ORDERS_PATH !== undefined) return t.pass()
    const { all, close } = await worlds(1)
    t.teardown(close)
    const [here] = all
    if (!here) throw new Error('no world')

    const budget = { time: TIME, seed: 1, stopsAtFirst: true, withFaults: needsFault }
    const { violations, plain, faulty } = await explore(here, task.setting, task.pair, budget)

    t.log(`${nameOf(task.pair, task.setting)}, order ${plain + faulty}: ${[...violations.keys()].join('; ')}`)
    t.true(violations.size > 0)
  })
}
