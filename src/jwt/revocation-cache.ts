import { LRUCache } from 'lru-cache'
import type { PresentedCredential, SelfContained, SelfContainedTools } from '../carriers/carrier.js'
import type { WxUserInfo } from '../crypto/user-data.js'
import { WeappSessionError } from '../errors.js'
import type { LoadedSession } from '../session/session.js'
import type { SessionRecord } from '../stores/store.js'

/** What a token says of its session. Times in Unix ms. */
export interface SessionClaims {
  user: WxUserInfo
  created: number
  expires: number
}

/** A token that was verified, and what it says. */
export interface PresentedToken extends PresentedCredential {
  readonly claims: SessionClaims
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
 * Believes tokens without the store, which is asked at most once per `staleness` (ms) for each session. Nobody waits for
 * that: the first request after `staleness` is still served and starts the lookup, and the next one is refused if the
 * session has ended. A store that is away stops nobody. No wall clock decides whether a session or a revocation is older.
 */
export function createRevocationCache(tools: SelfContainedTools, staleness: number): SelfContained {
  const { appId, ids, store, load, presence } = tools
  const ends = new LRUCache<string, true>({ max: MAX })
  /** When there was a reason, by the process's own clock: ms. */
  const doubts = new LRUCache<string, number>({ max: MAX })
  /** For as long as the carrier keeps the claims: what follows from them is the same for each request. */
  const described = new WeakMap<SessionClaims, Described>()
  /** To ask a store in this process costs nothing: then an end elsewhere is noticed at once. */
  const isStoreHere = store.timeout === 0

  return {
    peek(presented) {
      const known = describe(presented)
      if (presented.shouldReissue || isStoreHere || !isBelieved(known)) return undefined
      return known.session
    },

    async find(presented) {
      if (presented.shouldReissue) return findBehind(presented)
      return believe(describe(presented))
    },

    markEnded(id) {
      ends.set(id, true)
    },

    recheckUser(user) {
      doubts.set(user, performance.now())
    },
  }

  /** A token that ends soon is looked up before there is another; while the store is away, it is good as it is. */
  async function findBehind(presented: PresentedCredential): Promise<LoadedSession> {
    try {
      return await load(presented.credential)
    } catch (error) {
      if (error instanceof WeappSessionError && error.status >= 500) return believe(describe(presented))
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
    const found = await presence(id)
    if (found === 'there') known.confirmedAt = Math.max(known.confirmedAt, began)
    if (found === 'gone') ends.set(id, true)
    return found !== 'gone'
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
