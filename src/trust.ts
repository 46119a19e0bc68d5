import { LRUCache } from 'lru-cache'
import type { FoundSession } from './session.js'
import type { SessionStore } from './store.js'

/** Which sessions are believed on the word of their credential, and for how long. */
export interface Trust {
  /** Whether a session that speaks for itself may be believed; looks it up behind the scenes, when that is due. */
  believes(claimant: Claimant): boolean
  /** This session has ended, here and now. */
  ended(id: string): void
  /** Every session of this user that began until now has. */
  revoked(user: string): void
}

/** A session that its credential speaks for. */
export interface Claimant {
  found: FoundSession
  /** The id of its user. */
  user: string
  /** ms */
  staleness: number
  /** By the process's own clock, when it was looked up last: ms. */
  seenAt: number
}

/** Sessions that have ended, and users who were revoked, that are remembered: what falls out is looked up once more. */
const MAX = 100_000

/**
 * The store is asked at most once per `staleness` for each session, and nobody waits for it: so an end elsewhere is
 * noticed that late at the latest, and a store that is away stops nobody.
 */
export function trust(store: SessionStore): Trust {
  const ends = new LRUCache<string, true>({ max: MAX })
  const revocations = new LRUCache<string, number>({ max: MAX })

  return {
    believes(claimant) {
      const { found, user, staleness, seenAt } = claimant
      if (ends.has(found.id) || (revocations.get(user) ?? 0) >= found.record.created) return false
      if (performance.now() - seenAt >= staleness) look(claimant)
      return true
    },
    ended(id) {
      ends.set(id, true)
    },
    revoked(user) {
      revocations.set(user, Date.now())
    },
  }

  function look(claimant: Claimant): void {
    const { id } = claimant.found
    claimant.seenAt = performance.now()
    store.read(id).then(
      (entry) => {
        if (entry?.state !== 'session') ends.set(id, true)
      },
      // Unknown: asked again at the next request that it is due for.
      () => {},
    )
  }
}
