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
