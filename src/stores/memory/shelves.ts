import { LRUCache } from 'lru-cache'
import {
  type Claim,
  CODE_MEMORY,
  type Entry,
  type RememberedRefusal,
  type SessionRecord,
  type StoredSession,
} from '../store.js'

interface Session {
  user: string
  record: SessionRecord
}

/** What an ended session, or one that is taken, has left under its id. */
interface Ended {
  state: 'ended'
  /** The id that has to end too: the successor, or the session that was put back when this successor was abandoned. */
  successor?: string
  /** The session, while it is taken: by which token, and since when (in events, and Unix ms). */
  taken?: Session & { token: string; at: number; since: number }
}

/** What is left under an id when its session or its claim is gone. */
type Outcome = Ended | Extract<Entry, { state: 'refused' | 'used' }>

/** All that a memory store keeps, by id. */
export interface Shelves {
  /** Logins that are under way: as many as there are such requests. */
  readonly claims: Map<string, { claim: Claim; since: number }>
  /** What stands under an id, in the words of the store. */
  look(id: string): Entry | undefined
  /** The same, as a store promises it. */
  read(id: string): Promise<Entry | undefined>
  /** The session under an id, even if it has expired. */
  sessionAt(id: string): Session | undefined
  putSession(id: string, session: Session): void
  /** Puts a session in the place of itself; it is kept for as long as before. */
  updateSession(id: string, session: Session): void
  removeSession(id: string): void
  /** The ids of a user's sessions, even if they have expired, the oldest first. */
  idsOf(user: string): string[]
  /** The live sessions of a user, the oldest first. */
  sessionsOf(user: string): StoredSession[]
  endedAt(id: string): Ended | undefined
  /** Remembers an outcome for as long as a code lives. `record`: of the session that it is the outcome of. */
  putOutcome(id: string, outcome: Outcome, record?: SessionRecord): void
  /** Remembers a refusal for `ttl` ms. */
  putRefusal(id: string, refusal: RememberedRefusal, ttl: number): void
  removeOutcome(id: string): void
}

const OUTCOMES_MAX = 100_000
const JUNK_MAX = 10_000

/** `max`: how many sessions of users are kept, and how many of guests beside them. */
export function createShelves(max: number): Shelves {
  const ofUsers = createSessions()
  const ofGuests = createSessions()
  const claims: Shelves['claims'] = new Map()
  const outcomes = new LRUCache<string, Outcome>({ max: OUTCOMES_MAX })
  /**
   * The outcomes that anybody can produce: codes that WeChat refused, and ended sessions of guests. They have a maximum
   * of their own, and push out no outcomes of users' codes, which would be exchanged twice.
   */
  const junk = new LRUCache<string, Outcome>({ max: JUNK_MAX })
  /** The ids of each user's sessions, the oldest first. */
  const ids = new Map<string, Set<string>>()

  return {
    claims,
    look,
    read,
    sessionAt,

    putSession(id, session) {
      const { user, record } = session
      ids.set(user, (ids.get(user) ?? new Set()).add(id))
      sessionsLike(record).set(id, session, { ttl: ttlOf(record.expires) })
    },

    updateSession(id, session) {
      sessionsLike(session.record).set(id, session, { noUpdateTTL: true })
    },

    removeSession(id) {
      ofUsers.delete(id)
      ofGuests.delete(id)
    },

    idsOf,

    sessionsOf(user) {
      return idsOf(user).flatMap((id) => {
        const entry = look(id)
        return entry?.state === 'session' ? [{ id, record: entry.record }] : []
      })
    },

    endedAt(id) {
      const outcome = outcomeAt(id)
      return outcome?.state === 'ended' ? outcome : undefined
    },

    putOutcome(id, outcome, record) {
      const isGuest = record?.user === null
      ;(isGuest ? junk : outcomes).set(id, outcome, { ttl: CODE_MEMORY })
    },

    putRefusal(id, refusal, ttl) {
      junk.set(id, { state: 'refused', refusal }, { ttl })
    },

    removeOutcome(id) {
      outcomes.delete(id)
      junk.delete(id)
    },
  }

  /** A session that is pushed out by others, or has expired, leaves its user's list. */
  function createSessions(): LRUCache<string, Session> {
    return new LRUCache({ max, dispose: ({ user }, id, why) => why !== 'set' && removeFromList(user, id) })
  }

  function sessionsLike({ user }: SessionRecord): LRUCache<string, Session> {
    return user ? ofUsers : ofGuests
  }

  function idsOf(user: string): string[] {
    return [...(ids.get(user) ?? [])]
  }

  function sessionAt(id: string): Session | undefined {
    return ofUsers.get(id) ?? ofGuests.get(id)
  }

  function outcomeAt(id: string): Outcome | undefined {
    return outcomes.get(id) ?? junk.get(id)
  }

  async function read(id: string): Promise<Entry | undefined> {
    return look(id)
  }

  function look(id: string): Entry | undefined {
    const record = sessionAt(id)?.record
    if (record) return record.expires > Date.now() ? { state: 'session', record } : { state: 'ended' }
    const claimed = claims.get(id)
    if (claimed) return { state: 'claimed', age: Date.now() - claimed.since, token: claimed.claim.token }
    const outcome = outcomeAt(id)
    if (outcome?.state !== 'ended') return outcome
    const { taken, successor } = outcome
    if (!taken || successor === undefined || taken.record.expires <= Date.now())
      return { state: 'ended', ...(successor !== undefined && { successor }) }
    return {
      state: 'taken',
      token: taken.token,
      successor,
      record: taken.record,
      age: Date.now() - taken.since,
    }
  }

  function removeFromList(user: string, id: string): void {
    const owned = ids.get(user)
    owned?.delete(id)
    if (owned?.size === 0) ids.delete(user)
  }
}

/** ms that a session is kept: for as long as its code lives at least, so that the code is not exchanged again. */
function ttlOf(expires: number): number {
  return Math.max(expires - Date.now(), CODE_MEMORY)
}
