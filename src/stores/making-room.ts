import { YOUTH } from './store.js'

/**
 * The sessions of a user that end so that a new one has room: those that would end first. Young ones stay, up to
 * `maxYoung`.
 */
export function makingRoom<Enrolled extends { expires: number }>(
  others: Enrolled[],
  { expires, max, maxYoung = max }: { expires: number; max: number; maxYoung?: number | undefined },
): Enrolled[] {
  const sorted = [...others].sort((a, b) => a.expires - b.expires)
  const old = sorted.filter((other) => other.expires <= expires - YOUTH).length
  const excess = Math.max(0, sorted.length + 1 - max)
  return sorted.slice(0, Math.max(Math.min(excess, old), sorted.length + 1 - maxYoung, 0))
}
