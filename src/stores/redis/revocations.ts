import { LRUCache } from 'lru-cache'
import type { Claim } from '../store.js'

/** A claim, with what tells whether it came before a revocation at about the same time. */
interface TimedClaim extends Claim {
  /** When it was granted, by the clock of the node that has the code: µs. */
  began: number
  /** When it was sent and when it was granted, by this process's monotonic clock: ms. */
  sent: number
  granted: number
  /** The same, as events: numbers that this process counts. */
  sentEvent: number
  grantedEvent: number
}

/** What the list of a user says of their last revocation. */
export interface Revocation {
  /** By the clock of the node that has the user: µs. */
  at: number
  /** ms from the revocation until the list was read, by the same clock. */
  ago: number
  /** When the read was sent, by this process's monotonic clock: ms. */
  asked: number
}

/** Tells whether a login or a revocation came first: by the order of events in this process, or else by clocks. */
export interface RevocationOrder {
  /** Call it when a claim is sent. It returns what to call when the claim is granted. */
  beginClaim(): (claim: Claim) => Claim
  /** Revokes a user by `work`, which returns the time of that by the clock of the node that has the user: µs. */
  revoking(user: string, work: () => Promise<string>): Promise<void>
  /** Whether a login began before its user was revoked. `revocation`: the last one on the list, if there is one. */
  isBefore(user: string, claim: Claim, revocation: Revocation | undefined): boolean
}

/** How many revocations are remembered; the oldest make room, and then only clocks decide. */
const REVOKED_MAX = 10_000

/** @param isOneClock - whether claims and revocations are timed by the same clock: not on a cluster */
export function revocationOrder(isOneClock: () => boolean): RevocationOrder {
  /**
   * The last revocation of each user by this process: the events at which it began and was done, and its time by the
   * clock of Redis, µs.
   */
  const last = new LRUCache<string, { beganEvent: number; doneEvent?: number; at?: number }>({
    max: REVOKED_MAX,
  })
  let events = 0

  return {
    beginClaim() {
      const [sent, sentEvent] = [performance.now(), ++events]
      return (claim): TimedClaim => ({
        ...claim,
        sent,
        granted: performance.now(),
        sentEvent,
        grantedEvent: ++events,
      })
    },

    async revoking(user, work) {
      const revocation: { beganEvent: number; doneEvent?: number; at?: number } = { beganEvent: ++events }
      last.set(user, revocation)
      revocation.at = Number(await work())
      revocation.doneEvent = ++events
    },

    isBefore(user, claim, revocation) {
      // A claim comes back to the store that gave it.
      const timed = claim as TimedClaim
      const ours = last.get(user)
      if (ours && ours.beganEvent > timed.grantedEvent) return true
      if (!revocation) return false
      // The revocation on the list was done by this process, before it sent the claim.
      if (ours?.at === revocation.at && ours.doneEvent !== undefined && ours.doneEvent < timed.sentEvent)
        return false
      return wasBefore(timed, revocation, isOneClock())
    },
  }
}

/**
 * Whether clocks say that a login began before its user was revoked. Each clock can be wrong: Redis's clock can be set
 * back, each node of a cluster has its own, and the monotonic clock of this process stands still while the machine is
 * suspended. So the login is refused as soon as one clock says "before".
 *
 *     this process   claim sent ── granted ──────────── asked ── answered
 *     Redis                    claimed ── revoked ───(ago)─── read
 *
 * Between the claim and the read, at least `least` and at most `most` has passed. Take a claim that was sent 32 ms ago
 * (`most`) and granted 30 ms ago (`least`). A revocation 40 ms ago came before it, and one 20 ms ago came after it. For
 * one 31 ms ago, Redis's clock decides. Where there are several of those, or Redis's clock contradicts these durations,
 * the login is refused.
 */
export function wasBefore(claim: TimedClaim, { at, ago, asked }: Revocation, isOneClock: boolean): boolean {
  if (claim.began <= at) return true
  const [least, most] = [asked - claim.granted, performance.now() - claim.sent]
  const byRedis = (at - claim.began) / 1000 + ago
  const doClocksAgree = isOneClock && least <= byRedis && byRedis <= most
  return (doClocksAgree ? least : most) >= ago
}
