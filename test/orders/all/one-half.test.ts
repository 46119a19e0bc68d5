/**
 * `npm run test:orders`: every pair of requests, every order in which their store commands can reach Redis, and each
 * with one fault at each command. In two files, for two cores.
 *
 *   WEAPP_ORDERS_SECONDS   for each half; default 390
 *   WEAPP_ORDERS_SEED      where the orders by chance begin; default 1
 *   WEAPP_ORDERS_PAIR, WEAPP_ORDERS_PATH   one order alone, as a failure prints them
 */
import test from 'ava'
import { everyTask } from '../pairs.js'
import { runNamed, runTasks } from '../run-tasks.js'
import { SHARE } from './share.js'

test('redisStore(): every order of the commands of two requests, the first half', async (t) => {
  if (await runNamed(t, everyTask())) return
  await runTasks(
    t,
    everyTask().filter((_, index) => index % 2 === 0),
    SHARE,
  )
})
