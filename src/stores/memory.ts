import { LRUCache } from 'lru-cache'
import {
  type Claim,
  CODE_MEMORY,
  type Entry,
  LIST_MAX,
  type SessionRecord,
  type SessionStore,
} from '../store.js'
import { warn } from '../warn.js'

export interface MemoryStoreOptions {
  /** How many sessions are kept at most; the least recently used make room. Default 100,000. */
  max?: number
}

/** Junk codes fill only this, and never push a session out. */
const CODES_MAX = 10_000

/**
 * Keeps sessions in this process: for development, for tests, for one server that may forget. They end with
 * the process, and other processes do not see them: in production it says so at start-up.
 *
 * @throws {TypeError} when `max` is not a positive integer
 */
export function memoryStore({ max = 100_000 }: MemoryStoreOptions = {}): SessionStore {
  if (!Number.isSafeInteger(max) || max < 1) {
    throw new TypeError('koa-weapp-session: memoryStore({ max }) must be a positive integer')
  }
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
  const codes = new LRUCache<string, Exclude<Entry, { state: 'session' }> & { claim?: Claim }>({
    max: CODES_MAX,
    ttl: CODE_MEMORY,
  })
  /** The ids of each user's sessions, the oldest first. */
  const users = new Map<string, Set<string>>()
  /** When a user was revoked; of interest for as long as a login that began before can be in flight. */
  const revocations = new LRUCache<string, number>({ ttl: CODE_MEMORY, ttlAutopurge: true })
  /** Events are ordered by a counter: no two are ever at the same time. */
  let now = 0

  return {
    timeout: 0,

    async read(id) {
      return look(id)
    },

    async claim(id, lease) {
      const entry = look(id)
      if (entry) return entry

      const claim = { id, token: '', began: ++now }
      codes.set(id, { state: 'claimed', until: Date.now() + lease, claim })
      return { state: 'granted', claim }
    },

    async refuse(claim, refusal) {
      if (isHeld(claim)) codes.set(claim.id, { state: 'refused', refusal })
    },

    async create({ id, user, record, claim, max }) {
      const isRevoked = (revocations.get(user) ?? 0) > claim.began
      const isFree = isHeld(claim) && (id === claim.id || !look(id))
      if (isRevoked || !isFree) return false

      const live = [...(users.get(user) ?? [])].filter((id) => sessions.has(id))
      for (const oldest of live.slice(0, Math.max(0, live.length + 1 - max))) endOne(oldest)
      if (id === claim.id) codes.delete(id)
      users.set(user, (users.get(user) ?? new Set()).add(id))
      sessions.set(id, { user, record }, { ttl: timeLeft(record.expires) })
      return true
    },

    async update(id, record) {
      const stored = sessions.get(id)
      if (!stored) return 'ended'
      if (stored.record.rev !== record.rev) return 'conflict'

      const { expires } = stored.record
      sessions.set(
        id,
        { ...stored, record: { ...record, rev: record.rev + 1, expires } },
        { noUpdateTTL: true },
      )
      return 'saved'
    },

    async renew(id, _user, expires) {
      const stored = sessions.get(id)
      if (!stored || stored.record.expires >= expires) return
      sessions.set(id, { ...stored, record: { ...stored.record, expires } }, { ttl: timeLeft(expires) })
    },

    async end(id) {
      endOne(id)
    },

    async list(user) {
      const newest = [...(users.get(user) ?? [])].reverse()
      return newest.flatMap((id) => sessions.get(id)?.record ?? []).slice(0, LIST_MAX)
    },

    async revoke(user) {
      revocations.set(user, ++now)
      for (const id of users.get(user) ?? []) endOne(id)
    },
  }

  function look(id: string): Entry | undefined {
    const stored = sessions.get(id)
    return stored ? { state: 'session', record: stored.record } : codes.get(id)
  }

  function isHeld(claim: Claim): boolean {
    return codes.get(claim.id)?.claim === claim
  }

  function endOne(id: string): void {
    sessions.delete(id)
    codes.set(id, { state: 'ended' })
  }

  function disown(user: string, id: string): void {
    const ids = users.get(user)
    ids?.delete(id)
    if (ids?.size === 0) users.delete(user)
  }
}

/** ms; at least 1, because a ttl of 0 means "for ever" to the cache. */
function timeLeft(expires: number): number {
  return Math.max(1, expires - Date.now())
}
