import { amend } from './amend.js'
import { mistake } from './check.js'
import { WeappSessionError } from './errors.js'
import type { Ids } from './id.js'
import type { Lives } from './lives.js'
import type { OpenData } from './open-data.js'
import type { Sealer } from './seal.js'
import type { SessionRecord, SessionStore } from './store.js'
import type { Trust } from './trust.js'
import type { EncryptedData, Profile } from './user-data.js'

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
 *   interface SessionData { cart?: string[] }
 * }
 */
export interface SessionData {
  [key: string]: unknown
}

/** The session of a request. */
export interface WxSession {
  /**
   * JSON, yours to change; saved when it has changed and the handlers did not throw.
   *
   * @throws {Error} with `jwtCarrier()`, before {@link WxSession.load}
   */
  data: SessionData
  readonly createdAt: Date
  readonly expiresAt: Date
  /** Whether this very request began it. */
  readonly isNew: boolean
  /**
   * Reads the session from the store, where it was believed without: with `jwtCarrier()`. With the others it is
   * there already, and this does nothing.
   *
   * @throws {WeappSessionError} ERR_SESSION_EXPIRED, ERR_STORE_UNAVAILABLE
   */
  load(): Promise<void>
  /**
   * Ends the session: the next request with it gets ERR_SESSION_EXPIRED. Sets `ctx.$wxUserInfo` and
   * `ctx.$wxSession` to `null`.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: it may still be alive
   */
  destroy(): Promise<void>
  /**
   * Gives the session another credential, and ends the old one: when the user may do more from now on (an account
   * was bound, say), so that whoever knew the credential before does not. With `codeCarrier()` it does nothing: the
   * code is WeChat's.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when the session was ended meanwhile
   */
  rotate(): Promise<void>
  /**
   * Opens `encryptedData` of this user with the session's key, or those of the user's last two other sessions, and
   * checks that it was made for this mini program and this user, in the last ten minutes. The result is unsigned: do
   * not take an identity from it.
   *
   * @throws {WeappSessionError} ERR_UNTRUSTED_RAW_DATA when it does not open, or is not ours; always, once ten have
   * failed in this session
   */
  decrypt(data: EncryptedData): Promise<Record<string, unknown>>
}

declare module 'koa' {
  interface ExtendableContext {
    /** The WeChat user of this request; `null` when it carries no credential. */
    $wxUserInfo: WxUserInfo | null
    /**
     * The session of this request; `null` when it carries no credential. One without a user, where the carrier is
     * `anonymous`.
     */
    $wxSession: WxSession | null
  }
}

/** A session, what it goes by, and the id it is stored under. */
export interface FoundSession {
  id: string
  credential: string
  record: SessionRecord
  /** The record is no more than what the credential says of it. */
  isClaimed?: boolean
}

/** A session within one request: what handlers see of it, and what the middleware does with it. */
export interface OpenSession {
  /** `null` in a session without a user. */
  readonly user: WxUserInfo | null
  readonly visible: WxSession
  /** The session as it is now; nothing when there is none (any more). */
  current(): FoundSession | undefined
  /** The record with what handlers have put into `data`; `undefined` when nothing has changed. */
  changed(): SessionRecord | undefined
  /**
   * Stores what has changed.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT, also when the session was ended meanwhile
   */
  save(): Promise<void>
}

/** What a session has to do with its request. */
export interface Situation {
  isNew: boolean
  /** It is over: the request has no user any more. */
  onEnd(): void
}

export interface SessionsOptions {
  ids: Ids
  store: SessionStore
  sealer: Sealer
  lives: Lives
  openData: OpenData
  trust: Trust
  find(presented: { credential: string }): Promise<FoundSession>
}

export interface Sessions {
  /** Opens a session for the handlers of one request; without one, a session that begins when it is written to. */
  open(found: FoundSession | undefined, situation: Situation): OpenSession
}

/** Sessions, as requests have them. What begins, renews and moves them is in lives.ts. */
export function sessions({ ids, store, sealer, lives, openData, trust, find }: SessionsOptions): Sessions {
  return { open }

  function open(found: FoundSession | undefined, { isNew, onEnd }: Situation): OpenSession {
    let session = found
    // A private copy, made at the first look: the record is the store's, and most requests never look.
    let data: SessionData | undefined
    let isOver = false

    const visible: WxSession = {
      get data() {
        if (session?.isClaimed) throw new Error(NOT_LOADED)
        data ??= JSON.parse(JSON.stringify(stored())) as SessionData
        return data
      },
      set data(value) {
        if (!isPlainObject(value)) throw mistake('session.data must be a plain object')
        if (session?.isClaimed) throw new Error(NOT_LOADED)
        data = value
      },
      get createdAt() {
        return new Date(session?.record.created ?? Date.now())
      },
      get expiresAt() {
        return new Date(session?.record.expires ?? lives.end())
      },
      isNew,
      async load() {
        if (session?.isClaimed) session = await find(session)
      },
      async destroy() {
        isOver = true
        await end().catch((error: unknown) => {
          isOver = false
          throw error
        })
        onEnd()
      },
      async rotate() {
        await visible.load()
        if (session) session = await lives.move(session)
      },
      async decrypt(encrypted) {
        await visible.load()
        // Sealed with an appSecret that has been replaced since: a new login brings a key that opens.
        const hasKey = session && sealer.open(session.record.key, session.id) !== undefined
        if (!session || !hasKey) throw new WeappSessionError('ERR_SESSION_EXPIRED')
        return openData.open(session, encrypted)
      },
    }

    return { user: found ? userOf(found.record) : null, visible, current, changed, save }

    function stored(): SessionRecord['data'] {
      return session?.record.data ?? {}
    }

    function current(): FoundSession | undefined {
      return isOver ? undefined : session
    }

    async function end(): Promise<void> {
      if (!session) return
      const { id, record } = session
      await store.end(id, ids.owner(record.openId, id))
      trust.ended(id)
    }

    function changed(): SessionRecord | undefined {
      if (data === undefined || isOver) return undefined
      const after = JSON.stringify(data)
      if (after === JSON.stringify(stored()) || !session) return undefined
      return { ...session.record, data: JSON.parse(after) }
    }

    async function save(): Promise<void> {
      if (!session) {
        if (data && !isOver && Object.keys(data).length > 0) session = await lives.beginGuest(data)
        return
      }
      const update = changed()
      if (!update) return
      const before = JSON.stringify(stored())
      const saved = await amend(store, session.id, session.record, (current) => {
        if (JSON.stringify(current.data) !== before) throw new WeappSessionError('ERR_SESSION_CONFLICT')
        return { ...current, data: update.data }
      })
      // Not "expired", which a client may answer with a login and the same request once more: the handler has run.
      if (!saved) throw new WeappSessionError('ERR_SESSION_CONFLICT')
    }
  }
}

const NOT_LOADED = 'koa-weapp-session: with jwtCarrier(), await ctx.$wxSession.load() before its data'

/** What of a record handlers may see as the user. */
function userOf({ openId, unionId, profile }: SessionRecord): WxUserInfo | null {
  return openId === '' ? null : { ...profile, openId, ...(unionId !== undefined && { unionId }) }
}

function isPlainObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
