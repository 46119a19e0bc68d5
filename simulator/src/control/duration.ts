import type { Schema } from './schema.js'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A year of ms: enough for everything that ends here, and no date becomes impossible. */
const LONGEST = 366 * 86_400_000

/** Milliseconds, or a text such as `90s`, `5m`, `2h`, `3d`. */
export const DURATION: Schema = {
  oneOf: [
    { type: 'integer', minimum: 0, maximum: LONGEST },
    { type: 'string', pattern: '^\\d{1,11}(ms|s|m|h|d)$' },
  ],
  description: 'a number of milliseconds, or a text such as 90s, 5m, 2h, 3d; a year at most',
}

/** The milliseconds of a duration that fits {@link DURATION}; `undefined` when it is longer than a year. */
export function millisecondsOf(duration: string | number): number | undefined {
  const ms = typeof duration === 'number' ? duration : parse(duration)
  return ms <= LONGEST ? ms : undefined
}

function parse(text: string): number {
  const [, count = '', unit = ''] = /^(\d+)([a-z]+)$/.exec(text) ?? []
  return Number(count) * (UNITS[unit] ?? Number.NaN)
}
