import type { Claims, Presented } from '../carriers/carrier.js'
import type { Ids } from '../crypto/ids.js'
import type { Sealer } from '../crypto/seal.js'
import { isAnonymous, isSigned, type Profile, pickProfile, userOf } from '../crypto/user-data.js'
import { WeappSessionError } from '../errors.js'
import type { Claimant, Trust } from '../jwt/revocation-cache.js'
import { amend } from '../session/amend.js'
import type { OpenData } from '../session/open-data.js'
import type { FoundSession } from '../session/session.js'
import type { Successions } from '../session/succession.js'
import type { Entry, SessionRecord, SessionStore } from '../stores/store.js'
import { onceThere } from '../util/once-there.js'
import type { Exchanged } from '../wechat/code2session.js'
import type { Exchange, Exchanges } from './exchange.js'
import type { Login } from './read-login.js'

export interface LoginOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  exchanges: Exchanges
  openData: OpenData
  trust: Trust
  succession: Successions
  /** Of the carrier. */
  remember?: ((presented: Presented) => void) | undefined
  /** Whether the code of a login is the credential of its session; else the server makes one. */
  isCodeTheCredential: boolean
  /** Seconds. */
  ttl: number
  maxSessionsPerUser: number
}

/** What the application has to say of a session that is about to begin: the record to store. May throw. */
export type Welcome = (session: FoundSession) => Promise<SessionRecord>

export interface Logins {
  /**
   * The session of a login's code: made by it, or by an earlier request with the same code. A new one takes the place
   * of the session that its user has had as a guest, and begins with what is in that.
   */
  logIn(
    login: Login,
    guest: FoundSession | undefined,
    welcome: Welcome,
  ): Promise<FoundSession & { isNew: boolean }>
  /** The session of a credential: at once, where this process knows it; waits for a login that is under way. */
  find(presented: Presented): FoundSession | Promise<FoundSession>
}

/** The requests of this process that log in with one code at the same time: they share one exchange. */
interface Flight {
  outcome: Promise<Exchange | Entry>
  /** The session, made by the first of the requests that WeChat's signature vouches for. */
  created?: Promise<SessionRecord>
  requests: number
  /** Settles when others can see what became of the code. */
  landed: Promise<void>
  land(): void
}

/** Code → verified user. The session is made by one request; all others with the same code share it. */
export function logins(options: LoginOptions): Logins {
  const { appId, ids, store, sealer, exchanges, openData, trust, succession, isCodeTheCredential } = options
  const { ttl, maxSessionsPerUser, remember } = options
  const flights = new Map<string, Flight>()
  /** For as long as a carrier keeps the claims: what follows from them is the same for each request. */
  const claimants = new WeakMap<Claims, Claimant>()
  /** For as long as a carrier keeps what a request has presented: a hash costs more than all the rest of finding. */
  const knownIds = new WeakMap<Presented, string>()

  return { logIn, find }

  async function logIn(
    login: Login,
    guest: FoundSession | undefined,
    welcome: Welcome,
  ): Promise<FoundSession & { isNew: boolean }> {
    const credential = isCodeTheCredential ? login.code : ids.credential(login.code)
    const id = ids.session(credential)
    const codeId = isCodeTheCredential ? id : ids.code(login.code)
    const joined = flights.get(codeId)
    const flight = joined ?? takeOff(codeId, login.code)
    flight.requests++
    try {
      const outcome = await flight.outcome
      // What the flight has seen may be older than a request that joined it: a logout may lie between.
      const look = async (seen: Entry) =>
        believed(joined || seen.state === 'used' ? await store.read(id) : seen)
      if ('state' in outcome) {
        return { id, credential, record: await repeat(id, await look(outcome), login), isNew: false }
      }

      const profile = verify(id, login, outcome.exchanged)
      const isNew = !flight.created
      const begin = (record: SessionRecord) => welcome({ id, credential, record })
      flight.created ??= create(id, outcome, profile, guest, begin).finally(flight.land)
      const record = await flight.created
      if (isNew) return { id, credential, record, isNew }
      const current = await look({ state: 'session', record })
      return { id, credential, record: await improve(id, current, profile), isNew }
    } finally {
      if (--flight.requests === 0) leave(flight)
    }
  }

  function find(presented: Presented): FoundSession | Promise<FoundSession> {
    const { credential, claims } = presented
    if (claims) {
      const known = claimants.get(claims) ?? claimant(credential, claims)
      return onceThere(trust.believes(known), (isBelieved) => {
        if (isBelieved) return known.found
        throw new WeappSessionError('ERR_SESSION_EXPIRED')
      })
    }
    const known = knownIds.get(presented)
    if (known) return findById(known, credential)
    return onceThere(findById(ids.session(credential), credential), (found) => {
      knownIds.set(presented, found.id)
      remember?.(presented)
      return found
    })
  }

  function findById(id: string, credential: string): FoundSession | Promise<FoundSession> {
    const record = store.peek?.(id)
    return record && isBelieved(record) ? { id, credential, record } : lookUp(id, credential)
  }

  async function lookUp(id: string, credential: string): Promise<FoundSession> {
    const flight = flights.get(id)
    if (flight) await flight.landed
    const entry = await store.read(id)
    return { id, credential, record: believed(entry && (await settled(id, entry))) }
  }

  /** What has become of an id that others are at work with. */
  async function settled(id: string, entry: Entry): Promise<Entry | undefined> {
    if (entry.state === 'claimed') return exchanges.settled(id)
    return entry.state === 'taken' ? succession.settled(id, entry) : entry
  }

  function takeOff(id: string, code: string): Flight {
    let landed = () => {}
    const flight: Flight = {
      outcome: exchanges.exchange(id, code),
      requests: 0,
      landed: new Promise((resolve) => {
        landed = resolve
      }),
      // From here on, who comes asks the store: what this flight knows may have been revoked since.
      land() {
        if (flights.get(id) === flight) flights.delete(id)
        landed()
      },
    }
    flights.set(id, flight)
    flight.outcome.then((outcome) => 'state' in outcome && flight.land(), flight.land)
    return flight
  }

  /** The last request is gone: where none of them could make a session, the code is spent all the same. */
  async function leave(flight: Flight): Promise<void> {
    const outcome = await flight.outcome.catch(() => undefined)
    const record = await flight.created?.catch(() => undefined)
    if (outcome && 'claim' in outcome && !record) exchanges.spend(outcome.claim).catch(() => {})
    flight.land()
  }

  /** The profile that a login brings, once it is certain that WeChat gave it for this user. */
  function verify(id: string, { userInfo, encrypted }: Login, exchanged: Exchanged): Profile | undefined {
    checkSignature(userInfo, exchanged.sessionKey)
    const decrypted = encrypted && openData.openFirst(id, exchanged, encrypted)
    return profileOf(userInfo?.fields ?? decrypted)
  }

  async function create(
    id: string,
    { exchanged: { openId, unionId, sessionKey }, claim }: Exchange,
    profile: Profile | undefined,
    guest: FoundSession | undefined,
    welcome: (draft: SessionRecord) => Promise<SessionRecord>,
  ): Promise<SessionRecord> {
    const user = ids.user(openId)
    const best = isAnonymous(profile) ? ((await knownProfile(user)) ?? profile) : profile
    // Now, and no sooner: who only pretends to log in takes nothing from a guest.
    const taken =
      guest && (await succession.takeInTurn({ id: guest.id, user: ids.owner(null, guest.id) }, id))
    const created = Date.now()
    const draft: SessionRecord = {
      v: 1,
      appId,
      user: userOf({ appId, openId, unionId }, best),
      data: taken?.record.data ?? {},
      key: sealer.seal(sessionKey, id),
      created,
      expires: created + ttl * 1000,
      rev: 0,
    }

    const record = await welcome(draft).catch(async (veto: unknown) => {
      if (taken) await succession.putBack(taken)
      throw veto
    })
    const session = { id, user, record, claim, max: maxSessionsPerUser }
    if (await (taken ? succession.create(session, taken) : store.create(session))) return record
    throw new WeappSessionError('ERR_SESSION_EXPIRED')
  }

  /** A code that has its session already: the same session, for whoever holds what the same key signed. */
  async function repeat(id: string, record: SessionRecord, login: Login): Promise<SessionRecord> {
    const sessionKey = sealer.open(record.key, id)
    if (sessionKey === undefined) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    const { userInfo, encrypted } = login
    checkSignature(userInfo, sessionKey)
    const decrypted = encrypted && (await openData.open({ id, credential: '', record }, encrypted))
    return improve(id, record, profileOf(userInfo?.fields ?? decrypted))
  }

  /** A session that began without a profile takes the one that a later request with the same code proves. */
  async function improve(
    id: string,
    record: SessionRecord,
    profile: Profile | undefined,
  ): Promise<SessionRecord> {
    if (!profile || isAnonymous(profile)) return record
    const improved = await amend(store, id, record, (current) =>
      current.user && isAnonymous(current.user)
        ? { ...current, user: userOf(current.user, profile) }
        : current,
    )
    if (!improved) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    return improved
  }

  /** WeChat calls most users 微信用户 now: that must not replace a name which an earlier login brought. */
  async function knownProfile(user: string): Promise<Profile | undefined> {
    // A name is not worth a login: without the list, the user has none until the next one.
    const sessions = await store.list(user).catch(() => [])
    const users = sessions.filter(({ record }) => isBelieved(record)).map(({ record }) => record.user)
    const named = users.find((user) => user && !isAnonymous(user))
    return named ? pickProfile({ ...named }) : undefined
  }

  /** A session with as much of a record as its credential knows. */
  function claimant(credential: string, claims: Claims): Claimant {
    const { user, created, expires, staleness } = claims
    const id = ids.session(credential)
    const record: SessionRecord = { v: 1, appId, user, data: {}, key: '', created, expires, rev: -1 }
    const found = { id, credential, record, isClaimed: true }
    const never = Number.NEGATIVE_INFINITY
    const known = { found, user: ids.user(user.openId), staleness, askedAt: never, confirmedAt: never }
    claimants.set(claims, known)
    return known
  }

  function believed(entry: Entry | undefined): SessionRecord {
    if (entry?.state === 'session' && isBelieved(entry.record)) return entry.record
    throw new WeappSessionError('ERR_SESSION_EXPIRED')
  }

  /** A record counts only where it says itself that it is ours, of this version, and not over. */
  function isBelieved({ v, appId: owner, expires }: SessionRecord): boolean {
    return v === 1 && owner === appId && expires > Date.now()
  }
}

function checkSignature(userInfo: Login['userInfo'], sessionKey: string): void {
  if (!userInfo || isSigned(userInfo.rawData, userInfo.signature, sessionKey)) return
  throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
}

function profileOf(fields: Record<string, unknown> | undefined): Profile | undefined {
  return fields && pickProfile(fields)
}
