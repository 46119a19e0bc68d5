import type { WxUserInfo } from '../wechat/user-info.js'

/**
 * A session as it is stored. Records are values: whoever holds one never changes it, so a store may hand out
 * the object that it keeps.
 */
export interface SessionRecord {
  /** Version of this shape: a record of another version is not believed. */
  v: 1
  appId: string
  /** As handlers see it: to put it together for each request would cost more than to read it. Nobody: a guest's. */
  user: WxUserInfo | null
  /** What handlers keep in `ctx.$wxSession.data`. JSON. */
  data: Record<string, unknown>
  /** The session_key, sealed. */
  key: string
  /** Unix ms. */
  created: number
  /** Unix ms: when the session ends, whatever the store's own expiry says. */
  expires: number
  /** Counts the writes: an update is taken only over the revision that it was made from. */
  rev: number
  /** How often encrypted data did not open. */
  failures?: number
}

/** A session, and the id that it stands under. */
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
   * A login of this code is under way, or its process has died or stands still; claimed `age` ms ago. Who has waited
   * long enough refuses it by its token, and then it can create nothing any more.
   */
  | { state: 'claimed'; age: number; token: string }
  | { state: 'refused'; refusal: RememberedRefusal }
  /** The code has its session, which stands under an id of its own. */
  | { state: 'used' }
  /** A session is being made into another, since `age` ms: nobody can say yet whether it is over. */
  | { state: 'taken'; token: string; successor: string; record: SessionRecord; age: number }
  /** A session was here and is over. `successor`: the id of what was made of it, where that is known. */
  | { state: 'ended'; successor?: string | undefined }

/** The right to log in with one code. */
export interface Claim {
  id: string
  /** Proves the claim to the store that gave it. */
  token: string
  /** When the login began, in the store's own reckoning: compared with revocations. */
  began: number
}

/** What a login brings into the store. */
export interface NewSession {
  id: string
  /** The id of the session's user. */
  user: string
  record: SessionRecord
  claim: Claim
  /** How many sessions the user may have, this one included: those that would end first make room. */
  max: number
  /** The taken session whose place this one takes: it does not count any more, and is still taken. */
  replaces?: Taking | undefined
}

/** One session is taken, so that another is made of it: when its credential changes, or when a guest logs in. */
export interface Taking {
  /** The session that is taken. */
  id: string
  /** The id of its user. */
  user: string
  /** Tells this taking from all others. */
  token: string
  /** The id of the session that is made of it. */
  successor: string
}

/**
 * Where sessions live. Ids are hashes: a store never sees what a client sent.
 *
 * Each call is given up after `timeout`, and whatever it throws becomes ERR_STORE_UNAVAILABLE. A call that was
 * given up may still take effect, so each is safe to repeat.
 */
export interface SessionStore {
  /** ms that the middleware waits for one call; 0 for a store in this process, which never waits. Default 250. */
  readonly timeout?: number

  read(id: string): Promise<Entry | undefined>

  /**
   * A session that is known in this process, where the store keeps some: at once, and as it was a moment ago at most.
   * Nothing: it has to be read.
   */
  peek?(id: string): SessionRecord | undefined

  /**
   * Claims a login code, if nothing stands under its id: `granted` to exactly one caller. Whatever then stands
   * there (the claim, a refusal, the session or that it has ended) stays for at least as long as a code lives
   * ({@link CODE_MEMORY}), so that no code is ever exchanged twice.
   */
  claim(id: string): Promise<Entry | { state: 'granted'; claim: Claim }>

  /**
   * Puts a refusal in the place of a claim, for `memory` ms: afterwards the claim creates nothing. No effect once the
   * claim is gone.
   */
  refuse(claim: Pick<Claim, 'id' | 'token'>, refusal: RememberedRefusal, memory: number): Promise<void>

  /**
   * Stores a new session, in the place of its claim when both have the same id; else the claim becomes `used`.
   * `false`, and nothing stored: the claim has run out, or the user was revoked after the login began. A claim that
   * has run out ends nobody's session to make room.
   */
  create(session: NewSession): Promise<boolean>

  /**
   * Stores the record with the next `rev`, if the stored one still has this `rev`. A session that has ended
   * stays ended. The expiry stays as it is stored.
   */
  update(id: string, record: SessionRecord): Promise<'saved' | 'conflict' | 'ended'>

  /** Makes a session that is there live until `expires` (Unix ms), never shorter. Counts as no revision. */
  renew(id: string, user: string, expires: number): Promise<void>

  /**
   * Takes a session out of its place, in one step: of all who try, one gets it, as it is then. From now on it is
   * `taken` for everybody else. Asked again with the same token, the answer is the same again, so an answer that was
   * lost loses nothing. `undefined`: it is over, or somebody else has it.
   */
  take(taking: Taking): Promise<SessionRecord | undefined>

  /** The taken session has become its successor, which was created: it has ended, and its user's list forgets it. */
  confirm(taking: Taking): Promise<void>

  /**
   * Gives a taking up, and puts the session back as it was. Nothing can be created under the successor's id any more: that
   * id reads as `ended`, and `end()` of it ends the session that was put back. `over`: the session was ended under
   * either id meanwhile, or its user was revoked. `succeeded`: the successor is there, which
   * {@link confirm | confirms} it.
   *
   * Who creates the successor, and has told nobody of it, names its user as `endSuccessorOf`: then it ends, if it is
   * there.
   */
  putBack(
    taking: Taking,
    options?: { endSuccessorOf?: string | undefined },
  ): Promise<'back' | 'over' | 'succeeded'>

  /**
   * Ends one session; where it was taken, what was made of it, or is being made, too, however often it went on.
   * `false`: nothing is known of it (any more), so whether something was made of it is not known either.
   */
  end(id: string, user: string): Promise<boolean>

  /** The live sessions of a user, the newest first; of more than ten, those that end last. */
  list(user: string): Promise<StoredSession[]>

  /**
   * Ends every session of a user. Afterwards none that began before is ever accepted again: not one whose
   * login is still in flight, nor one that a parallel request saves late.
   */
  revoke(user: string): Promise<void>

  /** Lets go of what the store opened itself. */
  close?(): Promise<void>
}

/** ms. A code lives five minutes (wx.login); what became of it is remembered a little longer. */
export const CODE_MEMORY = 330_000

/** How many sessions {@link SessionStore.list} gives at most. */
export const LIST_MAX = 10
