/** Longest delay that `setTimeout` keeps; a longer one would fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1

/**
 * Time as the simulator sees it: real time, plus what {@link Clock.advance} added.
 * Everything that expires or waits in the simulator goes by it.
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /**
   * Moves time forward by `ms` milliseconds. What is due by then happens before this returns,
   * in the order of its due times; callbacks of `wx` follow in the next turn of the event loop.
   *
   * @throws {RangeError} when `ms` is negative or not finite: time does not go back.
   */
  advance(ms: number): void
  /** Runs `action` in `ms` milliseconds of this clock, unless the returned function is called before. */
  after(ms: number, action: () => void): () => void
}

/**
 * A clock of its own. `createWechat()` makes one; make it yourself to move several simulators together.
 *
 * @example
 * const clock = createClock()
 * const shop = createWechat({ clock })
 * const game = createWechat({ clock })
 * clock.advance(5 * 60_000)
 */
export function createClock(): Clock {
  const alarms = new Set<Alarm>()
  let ahead = 0

  return {
    now,

    advance(ms) {
      if (!Number.isFinite(ms) || ms < 0) {
        throw new RangeError(`weapp-simulator: cannot advance the clock by ${ms} ms`)
      }
      ahead += ms
      for (const alarm of [...alarms].sort((a, b) => a.due - b.due)) wind(alarm)
    },

    after(ms, action) {
      const alarm: Alarm = { due: now() + Math.max(0, ms), action }
      alarms.add(alarm)
      alarm.timer = setTimeout(wind, Math.min(Math.max(0, ms), LONGEST_DELAY), alarm)
      return () => remove(alarm)
    },
  }

  function now(): number {
    return Date.now() + ahead
  }

  /** Rings the alarm if it is due, and sets its timer to what is left if it is not. */
  function wind(alarm: Alarm): void {
    if (!alarms.has(alarm)) return
    clearTimeout(alarm.timer)
    const left = alarm.due - now()
    if (left > 0) {
      alarm.timer = setTimeout(wind, Math.min(left, LONGEST_DELAY), alarm)
    } else {
      remove(alarm)
      alarm.action()
    }
  }

  function remove(alarm: Alarm): void {
    alarms.delete(alarm)
    clearTimeout(alarm.timer)
  }
}

interface Alarm {
  due: number
  action: () => void
  timer?: NodeJS.Timeout
}
