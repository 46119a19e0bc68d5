/** Gives numbers from 0 up to 1. */
export type Random = () => number

/** Numbers that are the same for the same seed (mulberry32): a schedule that failed fails again. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return function random() {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
