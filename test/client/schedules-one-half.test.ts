import test from 'ava'
import { createSession } from '../../client/src/index.js'
import { checkSchedules, SCHEDULES } from './support/check-schedules.js'
import { runSchedule } from './support/run-schedule.js'
import { anySchedule } from './support/schedules.js'

// Half of them: the other half is in another file, so that two cores share the work.
test.serial(
  'createSession(): whatever happens: every call ends once and in time, logins are single, codes are used once',
  async (t) => {
    await checkSchedules(t, SCHEDULES / 2, anySchedule(), (schedule) => runSchedule(schedule, createSession))
  },
)
