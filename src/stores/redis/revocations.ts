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
  /** By the clock of the user's node: µs. */
  at: number
  /** ms, by that clock, when it was asked. */
  ago: number
  /** By our own clock, before it was asked: ms. */
  asked: number
}

/** In which order logins and revocations were: what this process knows of it without any clock, and what clocks say. */
export interface RevocationOrder {
  /** The place of a claim among this process's claims and revocations. */
  next(): number
  /** A revocation of this user begins. */
  began(user: string): void
  /** Whether a login began before its user was revoked. `revocation`: none lately, where there is none. */
  isBefore(user: string, claim: OrderedClaim, revocation: Revocation | undefined): boolean
}

/** Users whose revocation is remembered; the oldest make room, and then only clocks decide. */
const REVOKED_MAX = 10_000

/** @param isOneClock - whether claims and revocations are timed by the same clock: not on a cluster */
export function revocationOrder(isOneClock: () => boolean): RevocationOrder {
  const last = new LRUCache<string, number>({ max: REVOKED_MAX })
  let events = 0

  return {
    next: () => ++events,
    began: (user) => void last.set(user, ++events),
    isBefore(user, claim, revocation) {
      if ((last.get(user) ?? 0) > claim.order) return true
      return revocation !== undefined && wasBefore(claim, revocation, isOneClock())
    },
  }
}

/**
 * Whether a login began before its user was revoked. Each way to tell can miss one: this process knows only the order of
 * its own events; its clock stands still while the machine is suspended; Redis's clock can be set back, and the nodes of
 * a cluster have one each. So one that says "before" is enough. Durations know it but for a round trip; then Redis's
 * clock decides. Where there are several, or it disagrees with ours on how old the claim is, what may be before is.
 */
export function wasBefore(claim: OrderedClaim, { at, ago, asked }: Revocation, isOneClock: boolean): boolean {
  if (claim.began <= at) return true
  const [least, most] = [asked - claim.granted, performance.now() - claim.sent]
  const byRedis = (at - claim.began) / 1000 + ago
  const doClocksAgree = isOneClock && least <= byRedis && byRedis <= most
  return (doClocksAgree ? least : most) >= ago
}
