import test from 'ava'
import { createSession } from '../../client/src/index.js'
import { holds, SCHEDULES } from './support/holds.js'
import { live } from './support/live.js'
import { anySchedule } from './support/schedules.js'

// Half of them: the other half is in another file, so that two cores share the work.
test.serial(
  'whatever happens: every call ends once and in time, logins are single, codes are used once',
  async (t) => {
    await holds(t, SCHEDULES / 2, anySchedule(), (schedule) => live(schedule, createSession))
  },
)
