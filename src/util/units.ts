import { warn } from './warn.js'

const MINUTE = 60
const DAY = 24 * 60 * MINUTE

/** Seconds. Beyond ten years a lifetime is a mistake (milliseconds for seconds, most often). */
export const LIFETIME_MAX: number = 3650 * DAY

/** Which numbers of seconds are suspicious. */
interface Suspicion {
  /** Seconds: what is no longer than this is believed. */
  from: number
  /** ms that people count in. Whole days, in seconds, are hardly ever a multiple of it. */
  step: number
}

const LONG: Suspicion = { from: 31 * DAY, step: 5 * MINUTE * 1000 }

/**
 * Warns of a time in seconds that is a round number of ms, and far too long for what it is: 7_200_000 is 83 days, and
 * two hours in the `maxAge` of a cookie. It may be meant, so it is no error.
 */
export function warnOfMilliseconds(name: string, seconds: number, { from, step }: Suspicion = LONG): void {
  if (seconds <= from || seconds % step !== 0) return
  warn(
    'WEAPP_UNITS',
    `${name} is in seconds, and ${seconds} seconds are ${spell(seconds)}. If ${spell(seconds / 1000)} are meant, write ` +
      `${name}: ${seconds / 1000}.`,
  )
}

/** A time in the largest unit of which it has two. */
function spell(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= 2 * size) ?? [1, 'seconds']
  return `${Math.round((seconds / size) * 10) / 10} ${unit}`
}

const UNITS: [number, string][] = [
  [365 * DAY, 'years'],
  [DAY, 'days'],
  [60 * MINUTE, 'hours'],
  [MINUTE, 'minutes'],
]
