import { install } from '@sinonjs/fake-timers'
import type { ExecutionContext } from 'ava'

/** `Date` as this process sees it, until the test ends. */
export interface OwnDate {
  /** It is so many ms later at once: what ends at a date is over, and nobody has waited for it. */
  pass(ms: number): void
}

/**
 * Takes `Date` into the test's own hands; it goes on as always beside that. Timers, `performance.now()` and the clocks
 * of Redis go on as they did: deadlines are as far off as before. All of the process sees it, so only in
 * `test.serial`.
 */
export function takeDate(t: ExecutionContext): OwnDate {
  const clock = install({ now: Date.now(), toFake: ['Date'], shouldAdvanceTime: true })
  t.teardown(() => clock.uninstall())
  return { pass: (ms) => void clock.tick(ms) }
}
