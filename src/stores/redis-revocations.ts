import { LRUCache } from 'lru-cache'
import type { Claim } from '../store.js'

/** A claim, with what tells it apart from a revocation at about the same time. */
export interface OrderedClaim extends Claim {
  /** By the clock of the code's node: µs. */
  began: number
  /** By our own clock, which never jumps, when the claim was asked for and when it was granted: ms. */
  sent: number
  granted: number
  /** Its place among the claims and revocations of this process. */
  order: number
}

/** What the list of a user says of their last revocation. */
export interface Revocation {
  /** By the clock of the user's node: µs. `undefined`: there was none lately. */
  at: number | undefined
  /** ms, by that clock, when it was asked. */
  ago: number
  /** By our own clock, before it was asked: ms. */
  asked: number
}

/** In which order this process made claims and revocations: what it knows without any clock. */
export interface RevocationOrder {
  next(): number
  /** A revocation of this user begins. */
  began(user: string): void
  /** The place of this process's last revocation of a user; 0 when it remembers none. */
  lastOf(user: string): number
}

/** Users whose revocation is remembered; the oldest make room, and then only clocks decide. */
const REVOKED_MAX = 10_000

export function revocationOrder(): RevocationOrder {
  const last = new LRUCache<string, number>({ max: REVOKED_MAX })
  let events = 0

  return {
    next: () => ++events,
    began: (user) => void last.set(user, ++events),
    lastOf: (user) => last.get(user) ?? 0,
  }
}

/**
 * Whether a login began before its user was revoked. There are three ways to tell, and each can miss one: this process
 * knows the order of its own events; durations are wrong where the process was suspended, because its clock stands
 * still then; Redis's clock is wrong where it was set back, and the nodes of a cluster have one each. None of them calls
 * a login "before" that began after, as long as clocks agree. So one that says "before" is enough.
 */
export function wasBefore(claim: OrderedClaim, { at, ago, asked }: Revocation, lastOrder: number): boolean {
  if (lastOrder > claim.order) return true
  if (at === undefined) return false
  return asked - claim.granted >= ago || claim.began <= at
}
