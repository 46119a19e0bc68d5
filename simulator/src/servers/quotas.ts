import type { Clock } from '../clock.js'
import type { Limit } from './endpoint.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Midnight in Beijing, which WeChat's days begin with. */
const BEIJING = 8 * 60 * MINUTE

/** How often each endpoint was called. */
export interface Quotas {
  /** Counts a call. The errcode of the limit that it breaks; 0 when it breaks none. */
  take(name: string, limits: readonly Limit[]): number
  /** Calls of this day, refused ones too. */
  today(name: string): number
  /** The calls of this day are forgotten. */
  clear(): void
}

export function createQuotas(clock: Clock): Quotas {
  const counters = new Map<string, { minute: Counter; day: Counter }>()

  return {
    take(name, limits) {
      const counts = countersOf(name)
      counts.minute.count += 1
      counts.day.count += 1
      const broken = limits.find(({ max, per }) => counts[per].count > max)
      return broken?.errcode ?? 0
    },

    today: (name) => countersOf(name).day.count,
    clear: () => counters.clear(),
  }

  function countersOf(name: string) {
    const { minute, day } = counters.get(name) ?? { minute: NONE, day: NONE }
    const counts = {
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
