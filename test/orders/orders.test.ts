/** A part of `npm run test:orders`: the pairs of requests in which most can go wrong, a moment each. */
import test from 'ava'
import { tellingTasks } from './pairs.js'
import { runTasks } from './run-tasks.js'

test('redisStore(): what is promised holds in whatever order the commands of two requests arrive', (t) =>
  runTasks(t, tellingTasks(), { time: 6000, seed: 1 }))
