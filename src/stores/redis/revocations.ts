import { LRUCache } from 'lru-cache'
import type { Claim } from '../store.js'

/** A claim, with what tells it apart from a revocation at about the same time. */
export interface OrderedClaim extends Claim {
  /** By the clock of the code's node: µs. */
  began: number
  /** By our own clock, which never jumps, when the claim was asked for and when it was granted: ms. */
  sent: number
  granted: number
  /** Its places among the events of this process: when it was asked for, and when it was granted. */
  sentOrder: number
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
  /** The place of an event of this process. */
  next(): number
  /** Revokes a user by `work`, which tells when that was by the clock of the user's node: µs. */
  revoking(user: string, work: () => Promise<string>): Promise<void>
  /** Whether a login began before its user was revoked. `revocation`: none lately, where there is none. */
  isBefore(user: string, claim: OrderedClaim, revocation: Revocation | undefined): boolean
}

/** Users whose revocation is remembered; the oldest make room, and then only clocks decide. */
const REVOKED_MAX = 10_000

/** @param isOneClock - whether claims and revocations are timed by the same clock: not on a cluster */
export function revocationOrder(isOneClock: () => boolean): RevocationOrder {
  /** Of each user the last: when it began, and when it was done, `at` that time. */
  const last = new LRUCache<string, { began: number; done?: number; at?: number }>({ max: REVOKED_MAX })
  let events = 0

  return {
    next: () => ++events,

    async revoking(user, work) {
      const revocation: { began: number; done?: number; at?: number } = { began: ++events }
      last.set(user, revocation)
      revocation.at = Number(await work())
      revocation.done = ++events
    },

    isBefore(user, claim, revocation) {
      const ours = last.get(user)
      if (ours && ours.began > claim.order) return true
      if (!revocation) return false
      // It is the one that was done here before the login was begun.
      if (ours?.at === revocation.at && ours.done !== undefined && ours.done < claim.sentOrder) return false
      return wasBefore(claim, revocation, isOneClock())
    },
  }
}

/**
 * Whether clocks say that a login began before its user was revoked. One that says so is enough, because each can be
 * wrong: Redis's clock can be set back, each node of a cluster has its own, and this process's monotonic clock stands still
 * while the machine is suspended.
 *
 *     this process   claim sent ── granted ──────────── asked ── answered
 *     Redis                    claimed ── revoked ───(ago)─── read
 *
 * From the claim to the read, at least `least` and at most `most` has passed. With a granted claim of 30 ms ago (`least`)
 * that was sent 32 ms ago (`most`), a revocation 40 ms ago came first, and one 20 ms ago came later. For one 31 ms ago
 * Redis's clock has decided already; where there are several, or it contradicts these durations, the login is refused.
 */
export function wasBefore(claim: OrderedClaim, { at, ago, asked }: Revocation, isOneClock: boolean): boolean {
  if (claim.began <= at) return true
  const [least, most] = [asked - claim.granted, performance.now() - claim.sent]
  const byRedis = (at - claim.began) / 1000 + ago
  const doClocksAgree = isOneClock && least <= byRedis && byRedis <= most
  return (doClocksAgree ? least : most) >= ago
}
