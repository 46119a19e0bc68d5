import { until } from '../../support/until.js'

/** Lets each of two requests go on when the other is there too: both have read the session by then. */
export function createMeeting(): () => Promise<void> {
  let waiting = 0
  return async () => {
    waiting += 1
    await until(() => waiting === 2)
  }
}
