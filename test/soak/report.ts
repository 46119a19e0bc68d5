import type { Ledger } from './ledger.js'
import type { Minute } from './minute.js'
import type { Server } from './servers.js'
import { type Slope, slopeOf } from './slope.js'

/** MB/h that a heap may grow or shrink over the last half of an hour. */
const LIMIT = 0.5

/** Minutes from which on the limit itself decides. */
const LONG_ENOUGH = 60

/**
 * Standard errors that are added to the limit in a shorter run. The last half of ten minutes has five points, and the
 * interval that the true slope is in, 19 times of 20, is 3.2 standard errors wide on each side (Student's t, three degrees
 * of freedom).
 */
const ERRORS = 3.2

/** Points that a slope needs: with fewer it says nothing. */
const POINTS_MIN = 4

const MB = 1024 * 1024

export function printHead(servers: readonly Server[]): void {
  const columns = servers.map(({ name }) => name.padStart(34)).join('')
  console.log(`\n${'minute'.padEnd(8)}${columns}    keys  operations   faults`)
  const heads = servers.map(() => 'heap KB  sockets  timers'.padStart(34)).join('')
  console.log(' '.repeat(8) + heads)
}

export function printMinute({ n, faults, operations, figures, keys }: Minute): void {
  const columns = figures.map(({ heap, sockets, timers }) =>
    `${(heap / 1024).toFixed(1)}  ${`${sockets}`.padStart(7)}  ${`${timers}`.padStart(6)}`.padStart(34),
  )
  console.log(
    `${`${n}`.padEnd(8)}${columns.join('')}${`${keys}`.padStart(8)}${`${operations}`.padStart(12)}   ${faults.join(', ')}`,
  )
}

export function printCounts({ counts, operations }: Ledger): void {
  console.log(`\n${operations} operations`)
  for (const [what, outcomes] of [...counts].sort(([a], [b]) => a.localeCompare(b))) {
    const each = [...outcomes].sort().map(([outcome, count]) => `${outcome}: ${count}`)
    console.log(`  ${what.padEnd(34)} ${each.join(', ')}`)
  }
}

/** Says how fast the heap of each server grows. Returns what is more than may be. */
export function judge(servers: readonly Server[], minutes: readonly Minute[]): string[] {
  return servers.flatMap(({ name }, n) => judgeHeap(name, n, minutes))
}

function judgeHeap(name: string, n: number, minutes: readonly Minute[]): string[] {
  const points = lastHalf(minutes).map((minute) => [minute.n, heapOf(minute, n)] as const)
  if (points.length < POINTS_MIN) {
    console.log(`\n${name}: too few minutes to tell whether its heap grows`)
    return []
  }
  const { perUnit, error } = perHour(slopeOf(points))
  const limit = minutes.length >= LONG_ENOUGH ? LIMIT : LIMIT + ERRORS * error
  const text = `${name}: heap ${perUnit.toFixed(2)} ± ${error.toFixed(2)} MB/h over the last ${points.length} minutes`
  console.log(`\n${text} (limit ${limit.toFixed(2)})`)
  return Math.abs(perUnit) > limit ? [`${text}: more than ${limit.toFixed(2)}`] : []
}

function lastHalf(minutes: readonly Minute[]): readonly Minute[] {
  return minutes.slice(Math.floor(minutes.length / 2))
}

function heapOf({ figures }: Minute, n: number): number {
  return (figures[n]?.heap ?? 0) / MB
}

function perHour({ perUnit, error }: Slope): Slope {
  return { perUnit: perUnit * 60, error: error * 60 }
}
