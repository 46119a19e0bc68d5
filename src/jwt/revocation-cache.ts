import { LRUCache } from 'lru-cache'
import type { FoundSession } from '../session/session.js'
import type { Successions } from '../session/succession.js'
import type { SessionStore } from '../stores/store.js'

/** Which sessions are believed on the word of their credential, and for how long. */
export interface Trust {
  /**
   * Whether a session that speaks for itself may be believed: at once, where nothing speaks against it. It is looked up
   * behind the scenes, when that is due, and before the answer, when there has been a reason for doubt since it was last seen.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE
   */
  believes(claimant: Claimant): boolean | Promise<boolean>
  /** This session has ended, here and now. */
  ended(id: string): void
  /** Any session of this user may have: each is looked up before it is believed again. */
  doubt(user: string): void
}

/** Where no credential speaks for itself, there is nothing to remember: its two tables take 17 ms and 4 MB to make. */
export const NO_TRUST: Trust = { believes: () => false, ended() {}, doubt() {} }

/** A session that its credential speaks for. */
export interface Claimant {
  found: FoundSession
  /** The id of its user. */
  user: string
  /** ms */
  staleness: number
  /** When it was last looked up, and when the last look began that has found it: by the process's own clock, ms. */
  askedAt: number
  confirmedAt: number
}

/** Sessions that have ended, and users in doubt, that are remembered: what falls out is looked up when it is due. */
const MAX = 100_000

/**
 * The store is asked at most once per `staleness` for each session, and nobody waits for it: so an end elsewhere is
 * noticed that late at the latest, and a store that is away stops nobody. What is older, a session or a revocation,
 * is decided by the store: no wall clock is asked.
 */
export function trust(store: SessionStore, succession: Pick<Successions, 'seen'>): Trust {
  const ends = new LRUCache<string, true>({ max: MAX })
  /** When there was a reason, by the process's own clock: ms. */
  const doubts = new LRUCache<string, number>({ max: MAX })

  /** To ask a store in this process costs nothing: then an end elsewhere is noticed at once. */
  const isHere = store.timeout === 0

  return {
    believes(claimant) {
      const { found, user, staleness, askedAt, confirmedAt } = claimant
      if (ends.has(found.id)) return false
      if (isHere) return look(claimant).catch(() => true)
      const doubtedAt = doubts.get(user)
      if (doubtedAt !== undefined && doubtedAt >= confirmedAt) return look(claimant)
      // Unknown: asked again at the next request that it is due for.
      if (performance.now() - askedAt >= staleness) look(claimant).catch(() => {})
      return true
    },
    ended(id) {
      ends.set(id, true)
    },
    doubt(user) {
      doubts.set(user, performance.now())
    },
  }

  async function look(claimant: Claimant): Promise<boolean> {
    const { id } = claimant.found
    const began = performance.now()
    claimant.askedAt = began
    const entry = await store.read(id)
    const state = (entry?.state === 'taken' ? await succession.seen(id, entry) : entry)?.state
    if (state === 'session') claimant.confirmedAt = Math.max(claimant.confirmedAt, began)
    // One that is taken may be put back: nobody can say yet.
    else if (state !== 'taken') ends.set(id, true)
    return state === 'session' || state === 'taken'
  }
}
