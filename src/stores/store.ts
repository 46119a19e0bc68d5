import type { Problem } from '../util/problem.js'
import type { WxUserInfo } from '../wechat/user-info.js'

/**
 * A session as it is stored. Records are values: nobody changes one, so a store may hand out the object that it keeps.
 */
export interface SessionRecord {
  /** The version of this shape. A record of another version is not believed. */
  v: 1
  appId: string
  /**
   * The user as handlers see them; `null` for a guest. It is stored whole, so that no request has to put it together.
   */
  user: WxUserInfo | null
  /** What handlers keep in `ctx.$wxSession.data`. JSON. */
  data: Record<string, unknown>
  /** The session_key, sealed. */
  key: string
  /** Unix ms. */
  created: number
  /** Unix ms: when the session ends, whatever the store's own expiry says. */
  expires: number
  /** Counts the updates. An update is saved only over the revision that it was made from. */
  rev: number
  /** How often encrypted data could not be decrypted. */
  failures?: number
}

/** A session, and the id under which it is stored. */
export interface StoredSession {
  id: string
  record: SessionRecord
}

/** Why WeChat refused a code, remembered so that it is not asked again. */
export interface RememberedRefusal {
  status: number
  errcode?: number
  retryAfter?: number
}

/** What stands under the id of a session or of a login code. */
export type Entry =
  | { state: 'session'; record: SessionRecord }
  /**
   * A login of this code was claimed `age` ms ago. It is under way, or its process has died or stands still. Whoever
   * has waited long enough for it refuses it by its token: then it cannot create a session any more.
   */
  | { state: 'claimed'; age: number; token: string }
  | { state: 'refused'; refusal: RememberedRefusal }
  /** The code was exchanged. Its session has an id of its own. */
  | { state: 'used' }
  /** A session was taken `age` ms ago, and is being made into another. It may still be put back. */
  | { state: 'taken'; token: string; successor: string; record: SessionRecord; age: number }
  /** A session was here, and has ended. `successor`: the id of what was made of it, where that is known. */
  | { state: 'ended'; successor?: string | undefined }

/** The right to log in with one code. */
export interface Claim {
  id: string
  /** Proves the claim to the store that gave it. */
  token: string
  /** When the login began. Only the store reads this number, and compares it with revocations. */
  began: number
}

/** A session that a login creates. */
export interface NewSession {
  id: string
  /** The id of the session's user. */
  user: string
  record: SessionRecord
  claim: Claim
  /** How many sessions the user may have, with this one. Those that would end first make room. */
  max: number
  /**
   * How many there may be while those beyond `max` are new: sessions that end less than a minute ({@link YOUTH}) before
   * this one began lately, or were used lately, and make no room. Default: `max`.
   */
  maxYoung?: number
  /** The taken session that this one replaces. It stays taken, and does not count any more. */
  replaces?: Taking | undefined
}

/**
 * One session is being made into another: its credential changes, or a guest logs in. `take()` locks the session,
 * `create()` stores the successor, and `confirm()` commits. `putBack()` rolls back.
 */
export interface Taking {
  /** The id of the session that is taken. */
  id: string
  /** The id of its user. */
  user: string
  /** Unique for each taking. */
  token: string
  /** The id of the session that replaces it. */
  successor: string
}

/**
 * Where sessions are stored. Ids are hashes: a store never sees what a client sent.
 *
 * The middleware waits for each call for `timeout` ms. A call that is late, or throws, becomes ERR_STORE_UNAVAILABLE. A
 * late call may still take effect, so each call is safe to repeat.
 */
export interface SessionStore {
  /** ms that the middleware waits for one call; 0 for a store in this process, which never waits. Default 250. */
  readonly timeout?: number

  /**
   * What calls wait for before their `timeout` begins: the first connection, say. `undefined` when there is nothing to
   * wait for. Rejects, with the cause, when it takes longer than `within` ms; without, than calls may have to wait.
   */
  ready?(within?: number): Promise<unknown> | undefined

  /** What stands under an id; `undefined` when nothing does. */
  read(id: string): Promise<Entry | undefined>

  /**
   * A session that the store keeps in the memory of this process, as it is now or was a moment ago; `undefined` when it
   * has to be read. For stores that keep some.
   */
  peek?(id: string): SessionRecord | undefined

  /**
   * Claims a login code, if nothing stands under its id: `granted` to exactly one caller. From then on something stands
   * there (the claim, a refusal, the session, or that it has ended) for at least as long as a code lives
   * ({@link CODE_MEMORY}), so that no code is ever exchanged twice.
   */
  claim(id: string): Promise<Entry | { state: 'granted'; claim: Claim }>

  /**
   * Replaces a claim by a refusal, which stays for `memory` ms. Afterwards the claim cannot create a session. Does
   * nothing when the claim is gone.
   */
  refuse(claim: Pick<Claim, 'id' | 'token'>, refusal: RememberedRefusal, memory: number): Promise<void>

  /**
   * Stores a new session. It replaces its claim when both have the same id; otherwise the claim becomes `used`.
   *
   * Returns `false`, and stores nothing, when the claim is gone, or the user was revoked after the login began. When
   * the claim is gone, no other session ends to make room.
   */
  create(session: NewSession): Promise<boolean>

  /**
   * Stores the record with the next `rev`, if the stored one still has this `rev`; otherwise it changes nothing, and
   * gives the record that is stored (`met`). A session that has ended stays ended. The expiry stays as it is stored.
   */
  update(id: string, record: SessionRecord): Promise<'saved' | 'ended' | { met: SessionRecord }>

  /** Lets a live session end at `expires` (Unix ms), if that is later than its end. `rev` stays. */
  renew(id: string, user: string, expires: number): Promise<void>

  /**
   * Locks a session, in one step: of parallel callers one gets it, as it is then. From now on it is `taken` for
   * everybody else. The same token gets the same answer again, so a lost answer does no harm. `undefined`: the session
   * has ended, or somebody else has taken it.
   */
  take(taking: Taking): Promise<SessionRecord | undefined>

  /** Ends a taken session whose successor was created, and takes it off its user's list. */
  confirm(taking: Taking): Promise<void>

  /**
   * Gives a taking up, and puts the session back as it was. Afterwards no session can be created under the successor's
   * id: it reads as `ended`, and `end()` of it ends the session that was put back.
   *
   * - `back`: the session is there.
   * - `over`: the session was ended under either id meanwhile, or its user was revoked.
   * - `succeeded`: the successor was created, so the taking is {@link confirm | confirmed}.
   *
   * `endSuccessorOf`: the user of the successor. Whoever created the successor, and has told nobody of it, names them:
   * then the successor ends, even if it was created.
   */
  putBack(
    taking: Taking,
    options?: { endSuccessorOf?: string | undefined },
  ): Promise<'back' | 'over' | 'succeeded'>

  /**
   * Ends a session. If it was taken, its successor ends too, now or as soon as it would be created, and so do all
   * successors of that. `false`: nothing stands under the id (any more), so the store cannot tell whether it had a
   * successor.
   */
  end(id: string, user: string): Promise<boolean>

  /** The live sessions of a user, the newest first. Of more than ten, those that end last. */
  list(user: string): Promise<StoredSession[]>

  /**
   * Ends every session of a user. Afterwards no session that began before is ever accepted again: neither one whose
   * login is still under way, nor one that a parallel request saves late.
   */
  revoke(user: string): Promise<void>

  /**
   * What is wrong with the database, beside that it does not answer: for `session.check()`, which waits some seconds for it.
   * What cannot be told is no problem.
   */
  check?(): Promise<Problem[]>

  /** Closes the connections that the store has opened itself. */
  close?(): Promise<void>
}

/** ms. A code lives for five minutes (wx.login). Its outcome is remembered a little longer. */
export const CODE_MEMORY = 330_000

/** ms. Clients that log in for each of their parallel calls must not end each other's sessions. */
export const YOUTH = 60_000

/** How many sessions {@link SessionStore.list} returns at most. */
export const LIST_MAX = 10
