import { LRUCache } from 'lru-cache'
import type { Claims } from './carriers/carrier.js'
import type { SessionStore } from './store.js'

/** Which sessions are believed on the word of their credential, and for how long. */
export interface Trust {
  /** Whether a session that speaks for itself may be believed; looks it up behind the scenes, when that is due. */
  believes(id: string, user: string, claims: Claims): boolean
  /** This session has ended, here and now. */
  ended(id: string): void
  /** Every session of this user that began until now has. */
  revoked(user: string): void
}

/** Sessions, and users, that are remembered: what falls out is looked up once more. */
const MAX = 100_000

/**
 * The store is asked at most once per `staleness` for each session, and nobody waits for it: so an end elsewhere is
 * noticed that late at the latest, and a store that is away stops nobody.
 */
export function trust(store: SessionStore): Trust {
  const looks = new LRUCache<string, { at: number; isOver: boolean }>({ max: MAX })
  const revocations = new LRUCache<string, number>({ max: MAX })

  return {
    believes(id, user, { created, staleness }) {
      if ((revocations.get(user) ?? 0) >= created) return false
      const last = looks.get(id)
      if (last?.isOver) return false
      if (!last || Date.now() - last.at >= staleness) look(id)
      return true
    },
    ended(id) {
      looks.set(id, { at: Date.now(), isOver: true })
    },
    revoked(user) {
      revocations.set(user, Date.now())
    },
  }

  function look(id: string): void {
    looks.set(id, { at: Date.now(), isOver: false })
    store.read(id).then(
      (entry) => {
        const isOver = looks.get(id)?.isOver || entry?.state !== 'session'
        looks.set(id, { at: Date.now(), isOver })
      },
      // Unknown: asked again at the next request that it is due for.
      () => {},
    )
  }
}
