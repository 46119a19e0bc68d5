import { LRUCache } from 'lru-cache'
import { checkOptions, optionError } from '../../util/option-error.js'
import { warn } from '../../util/warn.js'
import {
  type Claim,
  CODE_MEMORY,
  type Entry,
  LIST_MAX,
  type SessionRecord,
  type SessionStore,
  type StoredSession,
  type Taking,
} from '../store.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many sessions of users are kept at most, and as many of guests beside them; the least recently used make room.
   * Default 100,000.
   */
  max?: number
}

interface Stored {
  user: string
  record: SessionRecord
}

/** What stands under an id where there is no session. */
type Outcome =
  | Extract<Entry, { state: 'refused' | 'used' }>
  /** `successor`: the id of what became of it. `taken`: what it was, while that is being made. */
  | { state: 'ended'; successor?: string; taken?: Stored & { token: string; at: number; since: number } }

/**
 * What anybody can fill (codes that WeChat refused, guests that ended) has a bound of its own: it must not push out what
 * became of users' codes, or one would be exchanged twice.
 */
const CODES_MAX = 100_000
const JUNK_MAX = 10_000

/**
 * Keeps sessions in this process: for development, for tests, for one server that may forget. They end with
 * the process, and other processes do not see them: in production it says so at start-up.
 *
 * @throws {TypeError} when `max` is not a positive integer
 *
 * @example
 * weappSession({ appId, appSecret, store: memoryStore({ max: 10_000 }) })
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  checkOptions('memoryStore', options, ['max'])
  const { max = 100_000 } = options
  if (!Number.isSafeInteger(max) || max < 1)
    throw optionError('memoryStore({ max }) must be a positive integer')
  if (process.env.NODE_ENV === 'production') {
    warn(
      'WEAPP_MEMORY_STORE',
      'Sessions are kept in memory: they end with this process, and other processes do not see them. ' +
        'Give weappSession() a redisStore().',
    )
  }

  const ofUsers = sessions()
  const ofGuests = sessions()
  /** Logins that are under way: as many as there are such requests. */
  const claims = new Map<string, { claim: Claim; since: number }>()
  /** What became of the others, and of sessions. */
  const codes = new LRUCache<string, Outcome>({ max: CODES_MAX })
  const junk = new LRUCache<string, Outcome>({ max: JUNK_MAX })
  /** The ids of each user's sessions, the oldest first. */
  const ids = new Map<string, Set<string>>()
  /** When a user was revoked; of interest for as long as a login that began before can be under way. */
  const revocations = new LRUCache<string, number>({ ttl: CODE_MEMORY, ttlAutopurge: true })
  /** Counts what happens, so that no two events are ever at the same time. */
  let events = 0

  return {
    timeout: 0,

    async read(id) {
      return look(id)
    },

    async claim(id) {
      const entry = look(id)
      if (entry) return entry

      const began = ++events
      const claim = { id, token: String(began), began }
      claims.set(id, { claim, since: Date.now() })
      return { state: 'granted', claim }
    },

    async refuse(claim, refusal, memory) {
      if (!isHeld(claim)) return
      claims.delete(claim.id)
      junk.set(claim.id, { state: 'refused', refusal }, { ttl: memory })
    },

    async create({ id, user, record, claim, max }) {
      const isRevoked = (revocations.get(user) ?? 0) > claim.began
      const isFree = isHeld(claim) && (id === claim.id || !look(id))
      if (isRevoked || !isFree) return false

      const live = liveOf(user).sort((a, b) => a.record.expires - b.record.expires)
      for (const first of live.slice(0, Math.max(0, live.length + 1 - max))) endOne(first.id)
      claims.delete(claim.id)
      if (id !== claim.id) codes.set(claim.id, { state: 'used' }, { ttl: CODE_MEMORY })
      put(id, { user, record })
      return true
    },

    async update(id, record) {
      const stored = find(id)
      if (!stored) return 'ended'
      if (stored.record.rev !== record.rev) return 'conflict'

      const { expires } = stored.record
      const saved = { ...record, rev: record.rev + 1, expires }
      shelfOf(saved).set(id, { ...stored, record: saved }, { noUpdateTTL: true })
      return 'saved'
    },

    async renew(id, _user, expires) {
      const stored = find(id)
      if (!stored || stored.record.expires >= expires || stored.record.expires <= Date.now()) return
      put(id, { ...stored, record: { ...stored.record, expires } })
    },

    async take({ id, token, successor }) {
      const { taken } = endedAt(id) ?? {}
      if (taken) return taken.token === token ? taken.record : undefined
      const stored = find(id)
      if (!stored || stored.record.expires <= Date.now()) return undefined
      drop(id)
      note(
        id,
        { state: 'ended', successor, taken: { ...stored, token, at: ++events, since: Date.now() } },
        stored.record,
      )
      return stored.record
    },

    async confirm(taking) {
      confirm(taking)
    },

    async putBack(taking, { endSuccessorOf } = {}) {
      const { id, token, successor } = taking
      const ended = endedAt(successor)
      const isThere = find(successor) !== undefined && endSuccessorOf === undefined
      // It has become another since: then it was there.
      const wasThere = ended?.successor !== undefined && ended.successor !== id
      if (isThere || wasThere) {
        confirm(taking)
        return 'succeeded'
      }
      const { record } = endedAt(id)?.taken ?? find(id) ?? {}
      // A guest is not their user: who ends that one's session, to make room or by a revocation, ends no guest.
      const isGuest = record?.user === null
      if (!ended) abandon(successor, isGuest ? undefined : id, record)
      else if (ended.successor !== id && !isGuest) endOne(id)
      const { taken } = endedAt(id) ?? {}
      if (taken?.token !== token) return find(id) ? 'back' : 'over'
      if ((revocations.get(taken.user) ?? 0) > taken.at) {
        endOne(id)
        return 'over'
      }

      codes.delete(id)
      junk.delete(id)
      put(id, { user: taken.user, record: taken.record })
      return 'back'
    },

    async end(id) {
      return endOne(id)
    },

    async list(user) {
      const last = liveOf(user)
        .reverse()
        .sort((a, b) => b.record.expires - a.record.expires)
      return last.slice(0, LIST_MAX).sort((a, b) => b.record.created - a.record.created)
    },

    async revoke(user) {
      revocations.set(user, ++events)
      for (const id of [...(ids.get(user) ?? [])]) endOne(id)
    },
  }

  /** A session that leaves without a word has made room for others, or its time is over. */
  function sessions(): LRUCache<string, Stored> {
    return new LRUCache({ max, dispose: ({ user }, id, why) => why !== 'set' && disown(user, id) })
  }

  function shelfOf({ user }: SessionRecord): LRUCache<string, Stored> {
    return user ? ofUsers : ofGuests
  }

  function find(id: string): Stored | undefined {
    return ofUsers.get(id) ?? ofGuests.get(id)
  }

  function put(id: string, stored: Stored): void {
    const { user, record } = stored
    ids.set(user, (ids.get(user) ?? new Set()).add(id))
    shelfOf(record).set(id, stored, { ttl: memoryOf(record.expires) })
  }

  function drop(id: string): void {
    ofUsers.delete(id)
    ofGuests.delete(id)
  }

  function look(id: string): Entry | undefined {
    const record = find(id)?.record
    if (record) return record.expires > Date.now() ? { state: 'session', record } : { state: 'ended' }
    const claimed = claims.get(id)
    if (claimed) return { state: 'claimed', age: Date.now() - claimed.since, token: claimed.claim.token }
    const outcome = outcomeOf(id)
    if (outcome?.state !== 'ended') return outcome
    const { taken, successor } = outcome
    if (!taken || successor === undefined || taken.record.expires <= Date.now()) return { state: 'ended' }
    const { token, record: was, since } = taken
    return { state: 'taken', token, successor, record: was, age: Date.now() - since }
  }

  /** The oldest first. */
  function liveOf(user: string): StoredSession[] {
    return [...(ids.get(user) ?? [])].flatMap((id) => {
      const entry = look(id)
      return entry?.state === 'session' ? [{ id, record: entry.record }] : []
    })
  }

  function isHeld({ id, token }: Pick<Claim, 'id' | 'token'>): boolean {
    return claims.get(id)?.claim.token === token
  }

  function endedAt(id: string): Extract<Outcome, { state: 'ended' }> | undefined {
    const outcome = outcomeOf(id)
    return outcome?.state === 'ended' ? outcome : undefined
  }

  function outcomeOf(id: string): Outcome | undefined {
    return codes.get(id) ?? junk.get(id)
  }

  function confirm({ id, token, successor }: Taking): void {
    const { taken } = endedAt(id) ?? {}
    if (taken?.token === token) note(id, { state: 'ended', successor }, taken.record)
  }

  /** Nothing can be created here any more, and who ends this ends the session that was taken. */
  function abandon(successor: string, id: string | undefined, record: SessionRecord | undefined): void {
    claims.delete(successor)
    drop(successor)
    note(successor, { state: 'ended', ...(id !== undefined && { successor: id }) }, record)
  }

  /** Ends what stands under an id, and what it has become. Whether something stood there. */
  function endOne(id: string): boolean {
    const wasKnown = look(id) !== undefined
    const over = new Set<string>()
    // One that was put back leads to what it was to become, and back.
    for (let next: string | undefined = id; next !== undefined && !over.has(next); ) {
      const { successor, taken }: Partial<Extract<Outcome, { state: 'ended' }>> = endedAt(next) ?? {}
      const stored = find(next) ?? taken
      drop(next)
      claims.delete(next)
      note(next, { state: 'ended', ...(successor !== undefined && { successor }) }, stored?.record)
      over.add(next)
      next = successor
    }
    return wasKnown
  }

  /** Remembers an end: where the session was a guest's, among what anybody can fill. */
  function note(id: string, outcome: Outcome, record: SessionRecord | undefined): void {
    const shelf = record?.user === null ? junk : codes
    shelf.set(id, outcome, { ttl: CODE_MEMORY })
  }

  function disown(user: string, id: string): void {
    const owned = ids.get(user)
    owned?.delete(id)
    if (owned?.size === 0) ids.delete(user)
  }
}

/**
 * ms that a session is remembered: longer than it lives where that is shorter than the life of its code, which
 * must not be exchanged again.
 */
function memoryOf(expires: number): number {
  return Math.max(expires - Date.now(), CODE_MEMORY)
}
