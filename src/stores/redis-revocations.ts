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
  /** Whether the claim and the revocation were timed by one clock: not on a cluster. */
  isOneClock: boolean
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
 * Whether a login began before its user was revoked. Each way to tell can miss one: this process knows only the order of
 * its own events; its clock stands still while the machine is suspended; Redis's clock can be set back, and the nodes of
 * a cluster have one each. So one that says "before" is enough. Durations know it but for a round trip; then Redis's
 * clock decides. Where there are several, or it disagrees with ours on how old the claim is, what may be before is.
 */
export function wasBefore(claim: OrderedClaim, revocation: Revocation, lastOrder: number): boolean {
  const { at, ago, asked, isOneClock } = revocation
  if (lastOrder > claim.order) return true
  if (at === undefined) return false
  if (claim.began <= at) return true
  const [least, most] = [asked - claim.granted, performance.now() - claim.sent]
  const byRedis = (at - claim.began) / 1000 + ago
  const doClocksAgree = isOneClock && least <= byRedis && byRedis <= most
  return (doClocksAgree ? least : most) >= ago
}
