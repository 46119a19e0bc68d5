import { randomBytes, randomInt } from 'node:crypto'

/** A whole number from 0, below `end`. */
export function upTo(end: number): number {
  return randomInt(end)
}

export function chance(probability: number): boolean {
  return Math.random() < probability
}

export function oneOf<T>(all: readonly T[]): T {
  return all[upTo(all.length)] as T
}

/** A value that nothing else has; always of one length, so that no heap grows by the number of digits. */
export function newToken(): string {
  return randomBytes(9).toString('base64url')
}
