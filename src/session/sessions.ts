import { randomBytes } from 'node:crypto'
import type { Ids } from '../crypto/ids.js'
import type { Sealer } from '../crypto/seal.js'
import { WeappSessionError } from '../errors.js'
import type { Claim, Entry, SessionRecord, SessionStore } from '../stores/store.js'
import type { LoadedSession, PresentedCredential } from './session.js'
import { overtaken, type Successions, SupersededError, untold } from './succession.js'

export interface SessionsOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  succession: Successions
  /** Of the carrier: the credential of a session is the code of its login, or the server issues one. */
  credential: 'code' | 'issued'
  /** Of the carrier: the credential has a session. */
  remember?: ((presented: PresentedCredential) => void) | undefined
  /** Logins that are under way: a request with their code waits for them. */
  logins: {
    /** Those of this process, by the id of their code. Each is over when the store says what became of the code. */
    pending: ReadonlyMap<string, { readonly over: Promise<void> }>
    /** What stands under an id, once no process logs in with its code any more. */
    outcomeOf(id: string): Promise<Entry | undefined>
  }
  /** Seconds. */
  ttl: number
  rolling: boolean
  /** Seconds. */
  maxAge: number
}

/**
 * All that can happen to the sessions of one mini program, once somebody has logged in. Each method that finds a session
 * throws ERR_SESSION_EXPIRED where there is none, and any of them ERR_STORE_UNAVAILABLE.
 */
export interface Sessions {
  /** The session of a credential, where this process knows it without asking anybody. */
  peek(presented: PresentedCredential): LoadedSession | undefined
  /** The session of a credential, renewed where that is due. Waits for a login that is under way. */
  find(presented: PresentedCredential): Promise<LoadedSession>
  /** The session of a credential as it is stored, whatever the credential says of it. */
  load(credential: string): Promise<LoadedSession>
  /** What stands under an id, once no request logs in or rotates there any more. */
  outcomeOf(id: string): Promise<Entry | undefined>
  /** The record of an entry that is a live session. */
  requireLive(entry: Entry | undefined): SessionRecord
  /** Whether a session should live longer from now on, because it is used. */
  isRenewalDue(record: SessionRecord): boolean
  /** Whether a record is ours, of this version, and not over. */
  isLive(record: SessionRecord): boolean
  /** When a session that begins now ends: Unix ms. */
  expiry(): number
  /**
   * A session without a user, for what a guest leaves.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when the client cannot be told: then there is none
   */
  createGuest(data: SessionRecord['data'], tell: Tell): Promise<LoadedSession>
  /**
   * Changes a stored session, and makes the change again where a parallel request was first. `change` gets the record as
   * it is then, and returns what it should be; or the same record, when there is nothing to change. `undefined` when the
   * session has ended meanwhile.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT
   */
  update(
    id: string,
    record: SessionRecord,
    change: (current: SessionRecord) => SessionRecord,
  ): Promise<SessionRecord | undefined>
  /**
   * Stores a record over the revision that it was made from: as it is stored then, or the one that another request has
   * stored meanwhile.
   */
  write(id: string, record: SessionRecord): Promise<'ended' | { isSaved: boolean; record: SessionRecord }>
  /**
   * The session under another credential; the old one has ended. Of several at once, one succeeds. Where the code is the
   * credential, nothing happens.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when it was ended meanwhile, or got another credential; or when the
   * client cannot be told, and then nothing has changed
   */
  rotate(session: LoadedSession, tell: Tell): Promise<LoadedSession>
  /** Ends a session, under whatever credential it has by now. `false`: nothing was known of it (any more). */
  end(session: LoadedSession): Promise<boolean>
  /** A login has taken the place of this session: what this process knows of it is over. */
  superseded(session: LoadedSession): void
  /** Ends every session of a user. */
  revoke(user: string): Promise<void>
}

/** Sessions that are followed from one that has ended to what has become of it. */
const SUCCESSORS_MAX = 3

/** Puts a session's credential into the answer. `false`: that cannot be done any more. */
export type Tell = (session: LoadedSession) => Promise<boolean>

/** ms that a change is made again, while others are faster, in a store without a deadline. */
const TIME_TO_WRITE = 250

/** ms that one try counts for at most: it was longer because handlers computed, and the process could not run. */
const TRY_MAX = 5

export function createSessions(options: SessionsOptions): Sessions {
  const { appId, ids, store, sealer, succession, logins, ttl, rolling, maxAge } = options
  const { credential: kind, remember } = options
  /** For as long as a carrier keeps what a request has presented: a hash costs more than all the rest of finding. */
  const knownIds = new WeakMap<PresentedCredential, string>()

  return {
    peek,
    find,
    load,
    outcomeOf,
    requireLive,
    isLive,
    isRenewalDue,
    expiry,
    createGuest,
    update,
    write,
    rotate,
    end,
    superseded() {},
    revoke,
  }

  function peek(presented: PresentedCredential): LoadedSession | undefined {
    const id = knownIds.get(presented)
    const record = id === undefined ? undefined : store.peek?.(id)
    if (id === undefined || !record || !isLive(record) || isRenewalDue(record)) return undefined
    return { id, credential: presented.credential, record }
  }

  async function find(presented: PresentedCredential): Promise<LoadedSession> {
    const id = knownIds.get(presented) ?? ids.session(presented.credential)
    const session = await loadById(id, presented.credential)
    if (!knownIds.has(presented)) {
      knownIds.set(presented, id)
      remember?.(presented)
    }
    return session
  }

  function load(credential: string): Promise<LoadedSession> {
    return loadById(ids.session(credential), credential)
  }

  async function loadById(id: string, credential: string): Promise<LoadedSession> {
    const pending = logins.pending.get(id)
    if (pending) await pending.over
    const entry = await outcomeOf(id)
    if (entry?.state === 'ended' && (await hasLiveSuccessor(entry))) throw new SupersededError()
    const record = requireLive(entry)
    const session = { id, credential, record }
    return isRenewalDue(record) ? renew(session) : session
  }

  async function outcomeOf(id: string): Promise<Entry | undefined> {
    const entry = await store.read(id)
    if (entry?.state === 'claimed') return logins.outcomeOf(id)
    return entry?.state === 'taken' ? succession.outcomeOf(id, entry) : entry
  }

  async function hasLiveSuccessor(ended: Entry): Promise<boolean> {
    let next: Entry | undefined = ended
    for (let reads = 0; next?.state === 'ended' && next.successor && reads < SUCCESSORS_MAX; reads++)
      next = await store.read(next.successor)
    // Where it went on for longer than anybody follows it, it lives most likely: to take a newer credential back is worse.
    if (next?.state === 'ended') return next.successor !== undefined
    return next?.state === 'session' && isLive(next.record)
  }

  function requireLive(entry: Entry | undefined): SessionRecord {
    if (entry?.state === 'session' && isLive(entry.record)) return entry.record
    throw new WeappSessionError('ERR_SESSION_EXPIRED')
  }

  /** The store's word is not enough: a record has to say it itself. */
  function isLive({ v, appId: owner, expires }: SessionRecord): boolean {
    return v === 1 && owner === appId && expires > Date.now()
  }

  function expiry(): number {
    return Date.now() + ttl * 1000
  }

  function renewedExpiry({ created }: SessionRecord): number {
    return Math.min(expiry(), created + maxAge * 1000)
  }

  /** Not for every request: a write each time would cost more than the read. */
  function isRenewalDue(record: SessionRecord): boolean {
    return rolling && renewedExpiry(record) - record.expires >= (ttl * 1000) / 10
  }

  async function renew(session: LoadedSession): Promise<LoadedSession> {
    const { id, record } = session
    const expires = renewedExpiry(record)
    try {
      await store.renew(id, ids.owner(record.user, id), expires)
    } catch {
      // A store that can be read but not written is no reason to turn anybody away.
      return session
    }
    return { ...session, record: { ...record, expires }, isRenewed: true }
  }

  async function createGuest(data: SessionRecord['data'], tell: Tell): Promise<LoadedSession> {
    const { id, credential, claim } = await claimFresh()
    const created = Date.now()
    const record: SessionRecord = {
      v: 1,
      appId,
      user: null,
      data,
      key: '',
      created,
      expires: expiry(),
      rev: 0,
    }
    const isCreated = await store.create({ id, user: ids.owner(null, id), record, claim, max: 1 })
    if (!isCreated) throw overtaken()
    const session = { id, credential, record }
    if (await tell(session)) return session
    await end(session)
    throw untold()
  }

  async function update(
    id: string,
    record: SessionRecord,
    change: (current: SessionRecord) => SessionRecord,
  ): Promise<SessionRecord | undefined> {
    let current = record
    let left = store.timeout || TIME_TO_WRITE
    while (left > 0) {
      const began = performance.now()
      const changed = change(current)
      if (changed === current) return current

      const result = await write(id, changed)
      if (result === 'ended') return undefined
      if (result.isSaved) return result.record
      current = result.record
      left -= Math.min(performance.now() - began, TRY_MAX)
    }
    throw new WeappSessionError('ERR_SESSION_CONFLICT')
  }

  async function write(id: string, record: SessionRecord) {
    const result = await store.update(id, record)
    if (result === 'saved') return { isSaved: true, record: { ...record, rev: record.rev + 1 } }
    return result === 'ended' || !isLive(result.met) ? 'ended' : { isSaved: false, record: result.met }
  }

  async function rotate(session: LoadedSession, tell: Tell): Promise<LoadedSession> {
    if (kind === 'code') return session
    const old = { id: session.id, user: ids.owner(session.record.user, session.id) }
    const fresh = await claimFresh()
    const taken = await succession.take(old, fresh.id)
    if (!taken) {
      store.refuse(fresh.claim, { status: 401 }, 1000).catch(() => {})
      throw overtaken()
    }
    const { id, credential, claim } = fresh
    const record = { ...taken.record, key: resealed(taken.record.key, old.id, id), rev: 0 }
    // A guest is their own user, so that one changes too.
    const user = ids.owner(record.user, id)
    // It takes the place of the old one, so nobody has to make room, even where there are too many.
    const max = Number.MAX_SAFE_INTEGER
    const rotated = { id, credential, record }
    let isTold = true
    const isCreated = await succession.create({ id, user, record, claim, max }, taken, async () => {
      isTold = await tell(rotated)
      return isTold
    })
    if (!isTold) throw untold()
    if (!isCreated) throw overtaken()
    return rotated
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

  function end({ id, record }: LoadedSession): Promise<boolean> {
    return store.end(id, ids.owner(record.user, id))
  }

  function revoke(user: string): Promise<void> {
    return store.revoke(user)
  }
}
