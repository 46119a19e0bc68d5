import type { Clock } from '../clock.js'
import type { Limit } from './endpoint.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** WeChat's days begin at midnight in Beijing, as far as developers can tell. */
const BEIJING = 8 * 60 * MINUTE

/** How often the app called each endpoint. */
export interface Quotas {
  /** Counts a call. The errcode of the limit that it breaks, where limits are kept; 0 when it breaks none. */
  take(name: string, limits: readonly Limit[]): number
  /** Calls of this day, refused ones too. */
  today(name: string): number
  /** The calls of this day are forgotten. */
  clear(): void
}

/** `strict`: whether limits are kept. Calls are counted in any case, for those who ask how many there were. */
export function createQuotas({ clock, strict }: { clock: Clock; strict: boolean }): Quotas {
  const counters = new Map<string, { minute: Counter; day: Counter }>()

  return {
    take(name, limits) {
      const counts = countersOf(name)
      counts.minute.count += 1
      counts.day.count += 1
      if (!strict) return 0
      const broken = limits.find(({ max, per }) => counts[per].count > max)
      return broken?.errcode ?? 0
    },

    today: (name) => countersOf(name).day.count,
    clear: () => counters.clear(),
  }

  function countersOf(name: string) {
    const { minute, day } = counters.get(name) ?? { minute: NONE, day: NONE }
    const counts = {
      // "Retry next minute": a period begins for everybody at the same time.
      minute: current(minute, Math.floor(clock.now() / MINUTE)),
      day: current(day, Math.floor((clock.now() + BEIJING) / DAY)),
    }
    counters.set(name, counts)
    return counts
  }
}

/** Calls in one minute or day, which is named by its number. */
interface Counter {
  readonly period: number
  count: number
}

const NONE: Counter = { period: -1, count: 0 }

function current(counter: Counter, period: number): Counter {
  return counter.period === period ? counter : { period, count: 0 }
}
