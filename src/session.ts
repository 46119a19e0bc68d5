import { amend } from './amend.js'
import { WeappSessionError } from './errors.js'
import type { Ids } from './id.js'
import type { Sealer } from './seal.js'
import type { SessionRecord, SessionStore } from './store.js'
import { decryptUserData, type EncryptedData, type Profile } from './user-data.js'

/**
 * The logged-in user: plain, and safe to send to the client. The ids are WeChat's answer to the exchange;
 * the rest is what the user says of themselves, when there is any.
 */
export interface WxUserInfo extends Readonly<Profile> {
  readonly openId: string
  /** There when the mini program belongs to an Open Platform account. */
  readonly unionId?: string
}

/**
 * What handlers keep in a session. Yours to declare:
 *
 * @example
 * declare module 'koa-weapp-session' {
 *   interface WxSessionData { cart?: string[] }
 * }
 */
export interface WxSessionData {
  [key: string]: unknown
}

/** The session of a request. */
export interface WxSession {
  /** JSON, yours to change; saved when it has changed and the handlers did not throw. */
  data: WxSessionData
  readonly createdAt: Date
  readonly expiresAt: Date
  /** Whether this very request began it. */
  readonly isNew: boolean
  /**
   * Ends the session: the next request with it gets ERR_SESSION_EXPIRED. Sets `ctx.$wxUserInfo` and
   * `ctx.$wxSession` to `null`.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: it may still be alive
   */
  destroy(): Promise<void>
  /**
   * Opens `encryptedData` of this user with the session's key, and checks that it was made for this mini
   * program. The result is unsigned: do not take an identity from it.
   *
   * @throws {WeappSessionError} ERR_UNTRUSTED_RAW_DATA when it does not open, or is not ours
   */
  decrypt(data: EncryptedData): Promise<Record<string, unknown>>
}

declare module 'koa' {
  interface ExtendableContext {
    /** The WeChat user of this request; `null` when it carries no credential. */
    $wxUserInfo: WxUserInfo | null
    /** The session of this request; `null` when it carries no credential. */
    $wxSession: WxSession | null
  }
}

/** A session, and the id it is stored under. */
export interface FoundSession {
  id: string
  record: SessionRecord
}

/** A session within one request: what handlers see of it, and what the middleware does with it. */
export interface OpenSession {
  readonly user: WxUserInfo
  readonly visible: WxSession
  /** The record with what handlers have put into `data`; `undefined` when nothing has changed. */
  changed(): SessionRecord | undefined
  /**
   * Stores what has changed.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT, also when the session was ended meanwhile
   */
  save(): Promise<void>
}

export interface SessionsOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  /** Seconds. */
  ttl: number
  rolling: boolean
  /** Seconds. */
  maxAge: number
}

export interface Sessions {
  /** Opens a session for the handlers of one request; `onEnd` is told when one of them ends it. */
  open(found: FoundSession, isNew: boolean, onEnd: () => void): OpenSession
  /** With `rolling`: the session with another ttl to live, as far as maxAge lets it. */
  renew(found: FoundSession): Promise<FoundSession>
}

export function sessions({ appId, ids, store, sealer, ttl, rolling, maxAge }: SessionsOptions): Sessions {
  return { open, renew }

  function open({ id, record }: FoundSession, isNew: boolean, onEnd: () => void): OpenSession {
    // A private copy, made at the first look: the record is the store's, and most requests never look.
    let data: WxSessionData | undefined
    let isOver = false

    const visible: WxSession = {
      get data() {
        data ??= JSON.parse(JSON.stringify(record.data)) as WxSessionData
        return data
      },
      set data(value) {
        if (!isPlainObject(value))
          throw new TypeError('koa-weapp-session: session.data must be a plain object')
        data = value
      },
      get createdAt() {
        return new Date(record.created)
      },
      get expiresAt() {
        return new Date(record.expires)
      },
      isNew,
      async destroy() {
        isOver = true
        await store.end(id, ids.user(record.openId)).catch((error: unknown) => {
          isOver = false
          throw error
        })
        onEnd()
      },
      async decrypt(encrypted) {
        const sessionKey = sealer.open(record.key, id)
        // Sealed with an appSecret that has been replaced since: a new login brings a key that opens.
        if (sessionKey === undefined) throw new WeappSessionError('ERR_SESSION_EXPIRED')
        return decryptUserData(encrypted, sessionKey, { appId, openId: record.openId })
      },
    }

    return { user: userOf(record), visible, changed, save }

    function changed(): SessionRecord | undefined {
      if (data === undefined || isOver) return undefined
      const after = JSON.stringify(data)
      return after === JSON.stringify(record.data) ? undefined : { ...record, data: JSON.parse(after) }
    }

    async function save(): Promise<void> {
      const update = changed()
      if (!update) return
      const before = JSON.stringify(record.data)
      const saved = await amend(store, id, record, (current) => {
        if (JSON.stringify(current.data) !== before) throw new WeappSessionError('ERR_SESSION_CONFLICT')
        return { ...current, data: update.data }
      })
      // Not "expired", which a client may answer with a login and the same request once more: the handler has run.
      if (!saved) throw new WeappSessionError('ERR_SESSION_CONFLICT')
    }
  }

  async function renew(found: FoundSession): Promise<FoundSession> {
    const { id, record } = found
    const expires = Math.min(Date.now() + ttl * 1000, record.created + maxAge * 1000)
    // Not for every request: a write each time would cost more than the read.
    const isDue = expires - record.expires >= (ttl * 1000) / 10
    if (!rolling || !isDue) return found
    try {
      await store.renew(id, ids.user(record.openId), expires)
    } catch {
      // A store that can be read but not written is no reason to turn anybody away.
      return found
    }
    return { id, record: { ...record, expires } }
  }
}

/** What of a record handlers may see as the user. */
function userOf({ openId, unionId, profile }: SessionRecord): WxUserInfo {
  return { ...profile, openId, ...(unionId !== undefined && { unionId }) }
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
