import { setTimeout as sleep } from 'node:timers/promises'
import type { Login } from './credentials.js'
import { deadline } from './deadline.js'
import { WeappSessionError } from './errors.js'
import type { Ids } from './id.js'
import type { Sealer } from './seal.js'
import type { FoundSession } from './session.js'
import type { Claim, Entry, RememberedRefusal, SessionRecord, SessionStore } from './store.js'
import { decryptUserData, isAnonymous, isSigned, type Profile, pickProfile } from './user-data.js'
import type { Exchanged } from './wechat.js'

export interface LoginOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  /** Sends a code to WeChat, once. */
  exchange(code: string): Promise<Exchanged>
  /** Seconds. */
  ttl: number
  maxSessionsPerUser: number
  ignoreSignature: boolean
  /** ms that others wait for a login that is under way. */
  lease: number
}

/** What the application has to say of a session that is about to begin: the record to store. May throw. */
export type Welcome = (session: FoundSession) => Promise<SessionRecord>

export interface Logins {
  /** The session of a login's code: made by it, or by an earlier request with the same code. */
  logIn(login: Login, welcome: Welcome): Promise<FoundSession & { isNew: boolean }>
  /** The session of a credential; waits for its login, if that is still under way. */
  find(credential: string): Promise<FoundSession>
}

/** All requests of this process that log in with one code at the same time: they share one exchange. */
interface Flight {
  /** What the code turned out to be: exchanged just now, or a session that was there already. */
  result: Promise<{ exchanged: Exchanged; claim: Claim } | { record: SessionRecord }>
  /** Made by the first of the requests whose user data WeChat signed. */
  created?: Promise<SessionRecord>
  requests: number
  /** Settles when the last request has left. */
  over: Promise<void>
  end(): void
}

/** ms between two looks at a login that another process has under way. */
const PAUSE = 25

/**
 * Code → verified user, exactly once. WeChat exchanges a code once and consumes it even when the answer is lost
 * or is an error, so a code is sent by one request of one process, and what became of it is remembered.
 */
export function logins(options: LoginOptions): Logins {
  const { appId, ids, store, sealer, exchange, ttl, maxSessionsPerUser, ignoreSignature, lease } = options
  const flights = new Map<string, Flight>()

  return { logIn, find }

  async function logIn(login: Login, welcome: Welcome): Promise<FoundSession & { isNew: boolean }> {
    const id = ids.session(login.code)
    const flight = flights.get(id) ?? start(id, login.code)
    flight.requests++
    try {
      const result = await flight.result
      if ('record' in result) return { id, record: await repeat(id, result.record, login), isNew: false }

      const profile = verify(login, result.exchanged)
      const isNew = !flight.created
      flight.created ??= create(id, result.exchanged, result.claim, profile, welcome)
      const record = await flight.created
      return { id, record: isNew ? record : await improve(id, record, profile), isNew }
    } finally {
      if (--flight.requests === 0) finish(id, flight)
    }
  }

  async function find(credential: string): Promise<FoundSession> {
    const id = ids.session(credential)
    const flight = flights.get(id)
    if (flight) await deadline(lease, flight.over, () => new WeappSessionError('ERR_SESSION_EXPIRED'))

    let entry = await store.read(id)
    if (entry?.state === 'claimed') entry = await settled(id, entry)
    if (entry?.state !== 'session' || !isBelieved(entry.record))
      throw new WeappSessionError('ERR_SESSION_EXPIRED')
    return { id, record: entry.record }
  }

  function start(id: string, code: string): Flight {
    let end = () => {}
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    const flight: Flight = { result: claimAndExchange(id, code), requests: 0, over, end }
    flights.set(id, flight)
    return flight
  }

  function finish(id: string, flight: Flight): void {
    flights.delete(id)
    flight.end()
    void spendUnused(flight)
  }

  /** Where nobody could prove the user data, or the session could not be stored, the code is spent all the same. */
  async function spendUnused({ result, created }: Flight): Promise<void> {
    const outcome = await result.catch(() => undefined)
    const record = await created?.catch(() => undefined)
    if (outcome && 'claim' in outcome && !record) remember(outcome.claim, { status: 401 })
  }

  async function claimAndExchange(id: string, code: string): Flight['result'] {
    let entry = await store.claim(id, lease)
    if (entry.state === 'granted')
      return { exchanged: await exchangeOnce(code, entry.claim), claim: entry.claim }

    if (entry.state === 'claimed') entry = (await settled(id, entry)) ?? entry
    if (entry.state === 'session' && isBelieved(entry.record)) return { record: entry.record }
    throw entry.state === 'session' || entry.state === 'ended'
      ? new WeappSessionError('ERR_SESSION_EXPIRED')
      : spent(entry.state === 'refused' ? entry.refusal : { status: 401 })
  }

  async function exchangeOnce(code: string, claim: Claim): Promise<Exchanged> {
    try {
      return await exchange(code)
    } catch (error) {
      if (error instanceof WeappSessionError) remember(claim, refusalOf(error))
      throw error
    }
  }

  /** Not awaited: no answer has to wait for it, and where it fails, the claim itself says that the code is spent. */
  function remember(claim: Claim, refusal: RememberedRefusal): void {
    store.refuse(claim, refusal).catch(() => {})
  }

  /** What a login of another process came to; still `claimed` when its time is up. */
  async function settled(
    id: string,
    claimed: Extract<Entry, { state: 'claimed' }>,
  ): Promise<Entry | undefined> {
    const until = Math.min(claimed.until, Date.now() + lease)
    let entry: Entry | undefined = claimed
    while (entry?.state === 'claimed' && Date.now() < until) {
      await sleep(PAUSE)
      entry = await store.read(id)
    }
    return entry
  }

  /** The profile that a login brings, once it is certain that WeChat gave it for this user. */
  function verify(
    { userInfo, encrypted }: Login,
    { sessionKey, openId }: Pick<Exchanged, 'sessionKey' | 'openId'>,
  ): Profile | undefined {
    if (userInfo?.signature && !isSigned(userInfo.rawData, userInfo.signature, sessionKey)) {
      throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
    }
    const decrypted = encrypted && decryptUserData(encrypted, sessionKey, { appId, openId })
    const fields = userInfo?.fields ?? decrypted
    return fields && pickProfile(fields)
  }

  async function create(
    id: string,
    { openId, unionId, sessionKey }: Exchanged,
    claim: Claim,
    profile: Profile | undefined,
    welcome: Welcome,
  ): Promise<SessionRecord> {
    const user = ids.user(openId)
    const known = isAnonymous(profile) ? await knownProfile(user) : undefined
    const best = known ?? profile
    const created = Date.now()
    const draft: SessionRecord = {
      v: 1,
      appId,
      openId,
      ...(unionId !== undefined && { unionId }),
      ...(best && { profile: best }),
      data: {},
      key: sealer.seal(sessionKey, id),
      created,
      expires: created + ttl * 1000,
      rev: 0,
      ...(ignoreSignature && { dev: true as const }),
    }

    const record = await welcome({ id, record: draft })
    if (await store.create({ id, user, record, claim, max: maxSessionsPerUser })) return record
    throw new WeappSessionError('ERR_SESSION_EXPIRED')
  }

  /** A code that has its session already: the same session, for whoever holds what the same key signed. */
  async function repeat(id: string, record: SessionRecord, login: Login): Promise<SessionRecord> {
    const { openId, key } = record
    const sessionKey = sealer.open(key, id)
    if (sessionKey === undefined) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    return improve(id, record, verify(login, { openId, sessionKey }))
  }

  /** A session that began without a profile takes the one that a later request with the same code proves. */
  async function improve(
    id: string,
    record: SessionRecord,
    profile: Profile | undefined,
  ): Promise<SessionRecord> {
    if (!profile || isAnonymous(profile) || !isAnonymous(record.profile)) return record
    await store.update(id, { ...record, profile })
    // Read again, whatever came of it: a sibling may have done the same, or have ended the session.
    const entry = await store.read(id)
    if (entry?.state !== 'session') throw new WeappSessionError('ERR_SESSION_EXPIRED')
    return entry.record
  }

  /** WeChat gives most users as 微信用户 now: that must not replace a name that an earlier login brought. */
  async function knownProfile(user: string): Promise<Profile | undefined> {
    const profiles = (await store.list(user)).filter(isBelieved).map(({ profile }) => profile)
    return profiles.find((profile) => !isAnonymous(profile))
  }

  /** A record counts only where it says itself that it is ours, of this version, and not over. */
  function isBelieved({ v, appId: owner, expires, dev }: SessionRecord): boolean {
    return v === 1 && owner === appId && expires > Date.now() && (dev ?? false) === ignoreSignature
  }
}

function refusalOf({ status, detail, headers }: WeappSessionError): RememberedRefusal {
  const retryAfter = headers['Retry-After']
  return { status, ...detail, ...(retryAfter && { retryAfter: Number(retryAfter) }) }
}

/** What a code answers that was exchanged, or tried, before. */
function spent(refusal: RememberedRefusal): WeappSessionError {
  return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', refusal)
}
