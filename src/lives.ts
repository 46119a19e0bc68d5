import { randomBytes } from 'node:crypto'
import { WeappSessionError } from './errors.js'
import type { Ids } from './id.js'
import type { Sealer } from './seal.js'
import type { FoundSession } from './session.js'
import type { SessionRecord, SessionStore } from './store.js'
import type { Trust } from './trust.js'

export interface LivesOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  trust: Trust
  /** Seconds. */
  ttl: number
  rolling: boolean
  /** Seconds. */
  maxAge: number
  maxSessionsPerUser: number
  /** Whether credentials are the server's own, and can be changed. */
  canMove: boolean
}

/** What happens to sessions between their login and their end. */
export interface Lives {
  /** When a session that begins now ends: Unix ms. */
  end(): number
  /** With `rolling`: the session with another ttl to live, as far as maxAge lets it. */
  renew(found: FoundSession): FoundSession | Promise<FoundSession>
  /** A session without a user, for what a guest leaves. */
  beginGuest(data: SessionRecord['data']): Promise<FoundSession>
  /**
   * The session under another credential; the old one has ended.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when it was ended meanwhile
   */
  move(found: FoundSession): Promise<FoundSession>
}

/** Changes of others that a session can be overtaken by while it moves. */
const TRIES = 5

export function lives(options: LivesOptions): Lives {
  const { appId, ids, store, sealer, trust, ttl, rolling, maxAge, maxSessionsPerUser, canMove } = options

  return { end, renew, beginGuest, move }

  function end(): number {
    return Date.now() + ttl * 1000
  }

  function renew(found: FoundSession): FoundSession | Promise<FoundSession> {
    const { record } = found
    if (!rolling || found.isClaimed) return found
    const expires = Math.min(end(), record.created + maxAge * 1000)
    // Not for every request: a write each time would cost more than the read.
    return expires - record.expires < (ttl * 1000) / 10 ? found : renewUntil(expires, found)
  }

  async function renewUntil(expires: number, found: FoundSession): Promise<FoundSession> {
    const { id, record } = found
    try {
      await store.renew(id, ids.owner(record.user, id), expires)
    } catch {
      // A store that can be read but not written is no reason to turn anybody away.
      return found
    }
    return { ...found, record: { ...record, expires }, isRenewed: true }
  }

  async function beginGuest(data: SessionRecord['data']): Promise<FoundSession> {
    const fresh = freshId()
    const created = Date.now()
    const record: SessionRecord = { v: 1, appId, user: null, data, key: '', created, expires: end(), rev: 0 }
    await put(fresh.id, record, 1)
    return { ...fresh, record }
  }

  async function move(found: FoundSession): Promise<FoundSession> {
    if (!canMove) return found
    const user = ids.owner(found.record.user, found.id)
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await store.read(found.id)
      if (entry?.state !== 'session') break
      const fresh = await copy(entry.record, found.id)
      // At the revision that was copied: what a parallel request has saved since must not stay behind.
      if (await store.end(found.id, user, entry.record.rev)) {
        trust.ended(found.id)
        return fresh
      }
      await store.end(fresh.id, ids.owner(fresh.record.user, fresh.id))
    }
    throw new WeappSessionError('ERR_SESSION_CONFLICT')
  }

  async function copy(record: SessionRecord, from: string): Promise<FoundSession> {
    const fresh = freshId()
    const sessionKey = sealer.open(record.key, from)
    const key = sessionKey === undefined ? '' : sealer.seal(sessionKey, fresh.id)
    const copied = { ...record, key, rev: 0 }
    // One more than the user may have: the old one, which is about to end, must push nobody out.
    await put(fresh.id, copied, maxSessionsPerUser + 1)
    return { ...fresh, record: copied }
  }

  function freshId(): { id: string; credential: string } {
    const credential = randomBytes(32).toString('base64url')
    return { id: ids.session(credential), credential }
  }

  async function put(id: string, record: SessionRecord, max: number): Promise<void> {
    const claim = await store.claim(id)
    const user = ids.owner(record.user, id)
    if (claim.state === 'granted' && (await store.create({ id, user, record, claim: claim.claim, max })))
      return
    throw new WeappSessionError('ERR_SESSION_CONFLICT')
  }
}
