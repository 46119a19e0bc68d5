import { LRUCache } from 'lru-cache'
import type { SessionTools } from '../carriers/carrier.js'
import { WeappSessionError } from '../errors.js'
import type { LoadedSession, PresentedCredential } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { SessionRecord } from '../stores/store.js'
import type { WxUserInfo } from '../wechat/user-info.js'

/** What a token says of its session. Times in Unix ms. */
export interface SessionClaims {
  user: WxUserInfo
  created: number
  expires: number
}

/** A token that was verified, and what it says. */
export interface PresentedToken extends PresentedCredential {
  readonly claims: SessionClaims
  /** Its time has passed: only the store says whether its session lives. */
  readonly isOver: boolean
}

/** What is known of the session of a token. */
interface Described {
  session: LoadedSession
  /** The id of its user. */
  user: string
  /** When it was last looked up, and when the last look began that has found it: by the process's own clock, ms. */
  askedAt: number
  confirmedAt: number
}

/** Sessions that have ended, and users in doubt, that are remembered: what falls out is looked up when it is due. */
const MAX = 100_000

/**
 * Sessions whose tokens are believed without the store, which is asked at most once per `staleness` (ms) for each session.
 * Nobody waits for that: the first request with a token, or the first after `staleness`, starts the lookup. It is served,
 * and so are all others until the store answers; then the token is refused if its session has ended. A store that is away
 * stops nobody. No wall clock decides whether a session or a revocation is older.
 */
export function withRevocationCache(sessions: Sessions, tools: SessionTools, staleness: number): Sessions {
  const { appId, ids, store, succession } = tools
  const ends = new LRUCache<string, true>({ max: MAX })
  /** When there was a reason, by the process's own clock: ms. */
  const doubts = new LRUCache<string, number>({ max: MAX })
  /** For as long as the carrier keeps the claims: what follows from them is the same for each request. */
  const described = new WeakMap<SessionClaims, Described>()
  /** To ask a store in this process costs nothing: then an end elsewhere is noticed at once. */
  const isStoreHere = store.timeout === 0

  return {
    ...sessions,
    load,

    peek(presented) {
      const known = describe(presented)
      if (isDue(presented, known) || isStoreHere || !isBelieved(known)) return undefined
      return known.session
    },

    async find(presented) {
      const known = describe(presented)
      return isDue(presented, known) ? findInStore(presented as PresentedToken, known) : believe(known)
    },

    async rotate(session, tell) {
      const rotated = await sessions.rotate(session, tell)
      ends.set(session.id, true)
      return rotated
    },

    superseded(session) {
      ends.set(session.id, true)
    },

    async end(session) {
      const wasKnown = await sessions.end(session)
      ends.set(session.id, true)
      // What it had become has ended too.
      recheck(ids.owner(session.record.user, session.id))
      return wasKnown
    },

    async revoke(user) {
      try {
        await sessions.revoke(user)
      } finally {
        // Afterwards, because what was looked up in the meantime may have been there still.
        recheck(user)
      }
    },
  }

  /** Any session of this user may have ended: each is looked up before it is believed again. */
  function recheck(user: string): void {
    doubts.set(user, performance.now())
  }

  async function load(credential: string): Promise<LoadedSession> {
    try {
      return await sessions.load(credential)
    } catch (error) {
      // So that the next request with it is refused before its handler begins.
      const isOver = error instanceof WeappSessionError && error.reason === 'ERR_SESSION_EXPIRED'
      if (isOver) ends.set(ids.session(credential), true)
      throw error
    }
  }

  /** Whether the client needs another token soon: this one ends, or its session is to be renewed. */
  function isDue(presented: PresentedCredential, { session }: Described): boolean {
    const { isOver } = presented as PresentedToken
    return isOver || presented.shouldReissue === true || sessions.isRenewalDue(session.record)
  }

  /** Before there is another token, the session is looked up. While the store is away, the token is good until its end. */
  async function findInStore(presented: PresentedToken, known: Described): Promise<LoadedSession> {
    if (ends.has(known.session.id)) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    try {
      const loaded = await load(presented.credential)
      // The token may be older than the session's last renewal: its answer was lost, or is still on its way.
      return loaded.record.expires === presented.claims.expires ? loaded : { ...loaded, isRenewed: true }
    } catch (error) {
      const isAway = error instanceof WeappSessionError && error.status >= 500
      if (isAway && !presented.isOver) return believe(known)
      throw error
    }
  }

  async function believe(known: Described): Promise<LoadedSession> {
    if (ends.has(known.session.id)) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    if (!isStoreHere && isBelieved(known)) return known.session
    const found = look(known)
    if (await (isStoreHere ? found.catch(() => true) : found)) return known.session
    throw new WeappSessionError('ERR_SESSION_EXPIRED')
  }

  /** Whether nothing speaks against it. It is looked up behind the scenes, when that is due. */
  function isBelieved(known: Described): boolean {
    const { session, user, askedAt, confirmedAt } = known
    if (ends.has(session.id)) return false
    const doubtedAt = doubts.get(user)
    if (doubtedAt !== undefined && doubtedAt >= confirmedAt) return false
    // Unknown: asked again at the next request that it is due for.
    if (performance.now() - askedAt >= staleness) look(known).catch(() => {})
    return true
  }

  async function look(known: Described): Promise<boolean> {
    const { id } = known.session
    const began = performance.now()
    known.askedAt = began
    const entry = await store.read(id)
    const state = (entry?.state === 'taken' ? await succession.putBackIfStale(id, entry) : entry)?.state
    if (state === 'session') known.confirmedAt = Math.max(known.confirmedAt, began)
    // One that is taken may be put back: nobody can say yet.
    else if (state !== 'taken') ends.set(id, true)
    return state === 'session' || state === 'taken'
  }

  /** The session of a token, with as much of a record as the token knows. */
  function describe(presented: PresentedCredential): Described {
    const { credential, claims } = presented as PresentedToken
    const before = described.get(claims)
    if (before) return before
    const { user, created, expires } = claims
    const id = ids.session(credential)
    const record: SessionRecord = { v: 1, appId, user, data: {}, key: '', created, expires, rev: -1 }
    const session: LoadedSession = { id, credential, record, isPartial: true }
    const never = Number.NEGATIVE_INFINITY
    const known = { session, user: ids.user(user.openId), askedAt: never, confirmedAt: never }
    described.set(claims, known)
    return known
  }
}
