import { randomBytes } from 'node:crypto'
import type { Ids } from '../crypto/ids.js'
import type { Sealer } from '../crypto/seal.js'
import type { Trust } from '../jwt/revocation-cache.js'
import type { Claim, SessionRecord, SessionStore } from '../stores/store.js'
import type { FoundSession } from './session.js'
import { overtaken, type Successions } from './succession.js'

export interface LivesOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  trust: Trust
  succession: Successions
  /** Seconds. */
  ttl: number
  rolling: boolean
  /** Seconds. */
  maxAge: number
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
   * The session under another credential; the old one has ended. Of several at once, one succeeds.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when it was ended meanwhile, or got another credential
   */
  move(found: FoundSession): Promise<FoundSession>
}

export function lives(options: LivesOptions): Lives {
  const { appId, ids, store, sealer, trust, succession, ttl, rolling, maxAge, canMove } = options

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
    const { id, credential, claim } = await claimFresh()
    const created = Date.now()
    const record: SessionRecord = { v: 1, appId, user: null, data, key: '', created, expires: end(), rev: 0 }
    if (await store.create({ id, user: ids.owner(null, id), record, claim, max: 1 })) {
      return { id, credential, record }
    }
    throw overtaken()
  }

  async function move(found: FoundSession): Promise<FoundSession> {
    if (!canMove) return found
    const old = { id: found.id, user: ids.owner(found.record.user, found.id) }
    const fresh = await claimFresh()
    const taken = await succession.take(old, fresh.id)
    if (!taken) {
      store.refuse(fresh.claim, { status: 401 }, 1000).catch(() => {})
      throw overtaken()
    }
    const { id, credential, claim } = fresh
    const record = { ...taken.record, key: resealed(taken.record.key, found.id, id), rev: 0 }
    // A guest is their own user, so that one changes too.
    const user = ids.owner(record.user, id)
    // It takes the place of the old one, so nobody has to make room, even where there are too many.
    if (!(await succession.create({ id, user, record, claim, max: Number.MAX_SAFE_INTEGER }, taken))) {
      throw overtaken()
    }
    trust.ended(found.id)
    return { id, credential, record }
  }

  function resealed(key: string, from: string, to: string): string {
    const sessionKey = sealer.open(key, from)
    return sessionKey === undefined ? '' : sealer.seal(sessionKey, to)
  }

  async function claimFresh(): Promise<{ id: string; credential: string; claim: Claim }> {
    const credential = randomBytes(32).toString('base64url')
    const id = ids.session(credential)
    const entry = await store.claim(id)
    if (entry.state !== 'granted') throw overtaken()
    return { id, credential, claim: entry.claim }
  }
}
