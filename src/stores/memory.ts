import { LRUCache } from 'lru-cache'
import { checkOptions, mistake } from '../check.js'
import {
  type Claim,
  CODE_MEMORY,
  type Entry,
  LIST_MAX,
  type SessionRecord,
  type SessionStore,
  type StoredSession,
} from '../store.js'
import { warn } from '../warn.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /** How many sessions are kept at most; the least recently used make room. Default 100,000. */
  max?: number
}

/** What can become of a code, beside a session under its own id. */
type Outcome = Extract<Entry, { state: 'refused' | 'used' | 'ended' }>

/** What became of codes fills only this, and never pushes a session out. */
const CODES_MAX = 10_000

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
  if (!Number.isSafeInteger(max) || max < 1) throw mistake('memoryStore({ max }) must be a positive integer')
  if (process.env.NODE_ENV === 'production') {
    warn(
      'WEAPP_MEMORY_STORE',
      'Sessions are kept in memory: they end with this process, and other processes do not see them. ' +
        'Give weappSession() a redisStore().',
    )
  }

  const sessions = new LRUCache<string, { user: string; record: SessionRecord }>({
    max,
    dispose: ({ user }, id, why) => why !== 'set' && disown(user, id),
  })
  /** Logins that are under way: as many as there are such requests. */
  const claims = new Map<string, { claim: Claim; since: number }>()
  /** What became of the others. */
  const codes = new LRUCache<string, Outcome>({
    max: CODES_MAX,
    ttl: CODE_MEMORY,
  })
  /** The ids of each user's sessions, the oldest first. */
  const users = new Map<string, Set<string>>()
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

      const claim = { id, token: '', began: ++events }
      claims.set(id, { claim, since: Date.now() })
      return { state: 'granted', claim }
    },

    async refuse(claim, refusal) {
      if (isHeld(claim)) settle(claim.id, { state: 'refused', refusal })
    },

    async create({ id, user, record, claim, max }) {
      const isRevoked = (revocations.get(user) ?? 0) > claim.began
      const isFree = isHeld(claim) && (id === claim.id || !look(id))
      if (isRevoked || !isFree) return false

      const live = liveOf(user).sort((a, b) => a.record.expires - b.record.expires)
      for (const first of live.slice(0, Math.max(0, live.length + 1 - max))) endOne(first.id)
      if (id === claim.id) claims.delete(id)
      else settle(claim.id, { state: 'used' })
      users.set(user, (users.get(user) ?? new Set()).add(id))
      sessions.set(id, { user, record }, { ttl: memoryOf(record.expires) })
      return true
    },

    async update(id, record) {
      const stored = sessions.get(id)
      if (!stored) return 'ended'
      if (stored.record.rev !== record.rev) return 'conflict'

      const { expires } = stored.record
      const saved = { ...record, rev: record.rev + 1, expires }
      sessions.set(id, { ...stored, record: saved }, { noUpdateTTL: true })
      return 'saved'
    },

    async renew(id, _user, expires) {
      const stored = sessions.get(id)
      if (!stored || stored.record.expires >= expires || stored.record.expires <= Date.now()) return
      sessions.set(id, { ...stored, record: { ...stored.record, expires } }, { ttl: memoryOf(expires) })
    },

    async end(id, _user, rev) {
      const entry = look(id)
      const wasThere = entry?.state === 'session'
      if (rev !== undefined && !(wasThere && entry.record.rev === rev)) return false
      endOne(id)
      return wasThere
    },

    async list(user) {
      const last = liveOf(user)
        .reverse()
        .sort((a, b) => b.record.expires - a.record.expires)
      return last.slice(0, LIST_MAX).sort((a, b) => b.record.created - a.record.created)
    },

    async revoke(user) {
      revocations.set(user, ++events)
      for (const id of users.get(user) ?? []) endOne(id)
    },
  }

  function look(id: string): Entry | undefined {
    const record = sessions.get(id)?.record
    if (record) return record.expires > Date.now() ? { state: 'session', record } : { state: 'ended' }
    const claimed = claims.get(id)
    return claimed ? { state: 'claimed', age: Date.now() - claimed.since } : codes.get(id)
  }

  /** The oldest first. */
  function liveOf(user: string): StoredSession[] {
    return [...(users.get(user) ?? [])].flatMap((id) => {
      const entry = look(id)
      return entry?.state === 'session' ? [{ id, record: entry.record }] : []
    })
  }

  function isHeld(claim: Claim): boolean {
    return claims.get(claim.id)?.claim === claim
  }

  function settle(id: string, entry: Outcome): void {
    claims.delete(id)
    codes.set(id, entry)
  }

  function endOne(id: string): void {
    sessions.delete(id)
    settle(id, { state: 'ended' })
  }

  function disown(user: string, id: string): void {
    const ids = users.get(user)
    ids?.delete(id)
    if (ids?.size === 0) users.delete(user)
  }
}

/**
 * ms that a session is remembered: longer than it lives where that is shorter than the life of its code, which
 * must not be exchanged again.
 */
function memoryOf(expires: number): number {
  return Math.max(expires - Date.now(), CODE_MEMORY)
}
