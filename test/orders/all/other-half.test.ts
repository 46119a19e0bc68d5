/** The other half of one-half.test.ts. */
import test from 'ava'
import { everyTask } from '../pairs.js'
import { runTasks } from '../run-tasks.js'
import { SHARE } from './share.js'

test('redisStore(): every order of the commands of two requests, the other half', async (t) => {
  if (process.env.WEAPP_ORDERS_PATH !== undefined) return t.pass()
  await runTasks(
    t,
    everyTask().filter((_, index) => index % 2 === 1),
    SHARE,
  )
})
