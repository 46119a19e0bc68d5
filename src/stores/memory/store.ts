import { LRUCache } from 'lru-cache'
import { checkOptions, isWhole, optionError, shown } from '../../util/option-error.js'
import { makingRoom } from '../making-room.js'
import { warnInProduction } from '../options.js'
import {
  type Claim,
  CODE_MEMORY,
  LIST_MAX,
  type SessionRecord,
  type SessionStore,
  type Taking,
} from '../store.js'
import { createShelves } from './shelves.js'

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many sessions of users are kept at most, and how many of guests beside them. The least recently used make room.
   * Default 100,000.
   */
  max?: number
}

/** What a Map can hold. */
const MOST = 16_000_000

/**
 * Keeps sessions in the memory of this process: for development, for tests, and for one server that may lose them. They
 * end with the process, and other processes do not see them. In production it warns of that at start-up.
 *
 * @throws {TypeError} when `max` is not a whole number from 1 to 16,000,000
 *
 * @example
 * weappSession({ appId, appSecret, store: memoryStore({ max: 10_000 }) })
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  checkOptions('memoryStore', options, ['max'])
  const { max = 100_000 } = options
  if (!isWhole(max, MOST))
    throw optionError(`memoryStore({ max }) must be a whole number from 1 to ${MOST}: it is ${shown(max)}`)
  warnInProduction(
    'WEAPP_MEMORY_STORE',
    'Sessions are kept in memory: they end with this process, and other processes do not see them.',
  )

  const shelves = createShelves(max)
  const { claims, look, sessionAt, endedAt } = shelves
  /** When a user was revoked. Kept for as long as a login that began before can be under way. */
  const revocations = new LRUCache<string, number>({ ttl: CODE_MEMORY, ttlAutopurge: true })
  /** Counts claims, takings and revocations: no two of them are at the same time. */
  let events = 0

  return {
    timeout: 0,

    read: shelves.read,

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
      shelves.putRefusal(claim.id, refusal, memory)
    },

    async create({ id, user, record, claim, max, maxYoung }) {
      const isRevoked = (revocations.get(user) ?? 0) > claim.began
      const isFree = isHeld(claim) && (id === claim.id || !look(id))
      if (isRevoked || !isFree) return false

      const live = shelves.sessionsOf(user).map((one) => ({ id: one.id, expires: one.record.expires }))
      for (const first of makingRoom(live, { expires: record.expires, max, maxYoung })) endSession(first.id)
      claims.delete(claim.id)
      if (id !== claim.id) shelves.putOutcome(claim.id, { state: 'used' })
      shelves.putSession(id, { user, record })
      return true
    },

    async update(id, record) {
      const stored = sessionAt(id)
      if (!stored) return 'ended'
      if (stored.record.rev !== record.rev) return { met: stored.record }

      const { expires } = stored.record
      const saved = { ...record, rev: record.rev + 1, expires }
      shelves.updateSession(id, { ...stored, record: saved })
      return 'saved'
    },

    async renew(id, _user, expires) {
      const stored = sessionAt(id)
      if (!stored || stored.record.expires >= expires || stored.record.expires <= Date.now()) return
      shelves.putSession(id, { ...stored, record: { ...stored.record, expires } })
    },

    async take({ id, token, successor }) {
      const before = endedAt(id)?.taken
      if (before) return before.token === token ? before.record : undefined
      const stored = sessionAt(id)
      if (!stored || stored.record.expires <= Date.now()) return undefined
      const taken = { ...stored, token, at: ++events, since: Date.now() }
      shelves.removeSession(id)
      shelves.putOutcome(id, { state: 'ended', successor, taken }, stored.record)
      return stored.record
    },

    async confirm(taking) {
      confirm(taking)
    },

    async putBack(taking, { endSuccessorOf } = {}) {
      const { id, token, successor } = taking
      const ended = endedAt(successor)
      const isThere = sessionAt(successor) !== undefined && endSuccessorOf === undefined
      // The successor has a successor of its own, so it was created.
      const wasThere = ended?.successor !== undefined && ended.successor !== id
      if (isThere || wasThere) {
        confirm(taking)
        return 'succeeded'
      }
      const { record } = endedAt(id)?.taken ?? sessionAt(id) ?? {}
      // A guest and the successor are not linked: when the user's sessions end, the guest's does not.
      const isGuest = record?.user === null
      // Nothing can be created under the successor's id any more.
      if (!ended) putEnd(successor, isGuest ? undefined : id, record)
      const { taken } = endedAt(id) ?? {}
      // Another taking's, or what that has made of the session: not ours to end.
      if (taken?.token !== token) return sessionAt(id) ? 'back' : 'over'
      const isSuccessorOver = ended !== undefined && ended.successor !== id && !isGuest
      if (isSuccessorOver || (revocations.get(taken.user) ?? 0) > taken.at) {
        endSession(id)
        return 'over'
      }

      shelves.removeOutcome(id)
      shelves.putSession(id, { user: taken.user, record: taken.record })
      return 'back'
    },

    async end(id) {
      return endSession(id)
    },

    async list(user) {
      const last = shelves
        .sessionsOf(user)
        .reverse()
        .sort((a, b) => b.record.expires - a.record.expires)
      return last.slice(0, LIST_MAX).sort((a, b) => b.record.created - a.record.created)
    },

    async revoke(user) {
      revocations.set(user, ++events)
      for (const id of shelves.idsOf(user)) endSession(id)
    },
  }

  function isHeld({ id, token }: Pick<Claim, 'id' | 'token'>): boolean {
    return claims.get(id)?.claim.token === token
  }

  function confirm({ id, token, successor }: Taking): void {
    const { taken } = endedAt(id) ?? {}
    if (taken?.token === token) shelves.putOutcome(id, { state: 'ended', successor }, taken.record)
  }

  /** Ends a session, and every id that has to end with it. Returns whether anything stood under `id`. */
  function endSession(id: string): boolean {
    const wasThere = look(id) !== undefined
    const ended = new Set<string>()
    // A session that was put back and its abandoned successor name each other.
    for (let next: string | undefined = id; next !== undefined && !ended.has(next); ) {
      const { successor, taken }: { successor?: string; taken?: { record: SessionRecord } } =
        endedAt(next) ?? {}
      const { record } = sessionAt(next) ?? taken ?? {}
      putEnd(next, successor, record)
      ended.add(next)
      next = successor
    }
    return wasThere
  }

  /** Writes an end in the place of whatever stands under an id. `linked`: the id that has to end too. */
  function putEnd(id: string, linked: string | undefined, record: SessionRecord | undefined): void {
    claims.delete(id)
    shelves.removeSession(id)
    shelves.putOutcome(id, { state: 'ended', ...(linked !== undefined && { successor: linked }) }, record)
  }
}
