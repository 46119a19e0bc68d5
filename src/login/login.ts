import type { Ids } from '../crypto/ids.js'
import type { Sealer } from '../crypto/seal.js'
import { type Diagnostics, diagnostics } from '../diagnostics.js'
import { WeappSessionError } from '../errors.js'
import { inspections } from '../inspection.js'
import type { OpenData } from '../session/open-data.js'
import type { LoadedSession } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { Successions } from '../session/succession.js'
import type { Claim, Entry, SessionRecord, SessionStore } from '../stores/store.js'
import type { WechatSession } from '../wechat/code2session.js'
import { isAnonymous, isSigned, type Profile, pickProfile, signatureOf, userOf } from '../wechat/user-info.js'
import type { PendingLogins } from './pending-logins.js'
import type { Login } from './read-login.js'

export interface LoginOptions {
  appId: string
  ids: Ids
  store: SessionStore
  sealer: Sealer
  pendingLogins: PendingLogins
  sessions: Sessions
  openData: OpenData
  succession: Successions
  /** Of the carrier: the credential of a session is the code of its login, or the server issues one. */
  credential: 'code' | 'issued'
  /** Seconds. */
  ttl: number
  maxSessionsPerUser: number
  maxYoungSessions: number
}

/** What the application has to say of a session that is about to begin: the record to store. May throw. */
export type Welcome = (session: LoadedSession) => Promise<SessionRecord>

/** A session, and whether this very request began it. */
export type LoggedIn = LoadedSession & { isNew: boolean }

/**
 * Makes a session of a login's code, or finds the one that an earlier request with the same code made. A new one takes the
 * place of the previous session of its client; and where that was a guest's, it begins with what is in it.
 */
export type LogIn = (login: Login, previous: LoadedSession | undefined, welcome: Welcome) => Promise<LoggedIn>

/** What a session is made of. */
interface Beginning {
  id: string
  wechat: WechatSession
  claim: Claim
  profile: Profile | undefined
  previous: LoadedSession | undefined
  welcome(draft: SessionRecord): Promise<SessionRecord>
}

const channel = diagnostics('login')

/** Code → verified user. The session is created by one request; all others with the same code share it. */
export function createLogIn(options: LoginOptions): LogIn {
  const { appId, ids, store, sealer, pendingLogins, sessions, openData, succession } = options
  const { credential: kind, ttl, maxSessionsPerUser, maxYoungSessions } = options

  return async function logIn(login, previous, welcome) {
    const began = performance.now()
    const loggedIn = await share(login, previous, welcome)
    if (channel.hasSubscribers) tell(login, loggedIn, performance.now() - began)
    return loggedIn
  }

  function share(login: Login, previous: LoadedSession | undefined, welcome: Welcome): Promise<LoggedIn> {
    const credential = kind === 'code' ? login.code : ids.credential(login.code)
    const id = ids.session(credential)
    const codeId = kind === 'code' ? id : ids.code(login.code)

    return pendingLogins.join(codeId, login.code, async (pending, hasJoined) => {
      const outcome = await pending.outcome
      // What the login has seen may be older than a request that joined it: a logout may lie between.
      const look = async (seen: Entry) =>
        sessions.requireLive(hasJoined || seen.state !== 'session' ? await sessions.outcomeOf(id) : seen)
      if (outcome.kind === 'found')
        return { id, credential, record: await repeat(id, await look(outcome.entry), login), isNew: false }

      const { wechat, claim } = outcome
      const profile = verify(id, login, wechat)
      const begin = (record: SessionRecord) => welcome({ id, credential, record })
      const { record, isFirst } = pending.createOnce(() =>
        create({ id, wechat, claim, profile, previous, welcome: begin }),
      )
      const created = await record
      if (isFirst) return { id, credential, record: created, isNew: true }
      const current = await look({ state: 'session', record: created })
      return { id, credential, record: await improve(id, current, profile), isNew: false }
    })
  }

  /** The profile that a login brings, once it is certain that WeChat gave it for this user. */
  function verify(id: string, { userInfo, encrypted }: Login, wechat: WechatSession): Profile | undefined {
    checkSignature(userInfo, wechat.sessionKey, wechat.openId)
    const decrypted = encrypted && openData.openFirst(id, wechat, encrypted)
    return profileOf(userInfo?.fields ?? decrypted)
  }

  async function create({
    id,
    wechat,
    claim,
    profile,
    previous,
    welcome,
  }: Beginning): Promise<SessionRecord> {
    const { openId, unionId, sessionKey } = wechat
    const user = ids.user(openId)
    const best = isAnonymous(profile) ? ((await knownProfile(user)) ?? profile) : profile
    // Only after verification: an unverified login must not take anybody's session.
    // As a successor: so the credential that was replaced can be told from one that is dead.
    const old = previous && { id: previous.id, user: ids.owner(previous.record.user, previous.id) }
    const taken = old && (await succession.takeInTurn(old, id))
    const created = Date.now()
    const draft: SessionRecord = {
      v: 1,
      appId,
      user: userOf({ appId, openId, unionId }, best),
      // A guest's. What another user has left is not for this one.
      data: taken?.record.user === null ? taken.record.data : {},
      key: sealer.seal(sessionKey, id),
      created,
      expires: created + ttl * 1000,
      rev: 0,
    }

    const record = await welcome(draft).catch(async (veto: unknown) => {
      if (taken) await succession.putBack(taken)
      throw veto
    })
    const limits = { max: maxSessionsPerUser, maxYoung: maxYoungSessions }
    const session = { id, user, record, claim, ...limits }
    if (!(await (taken ? succession.create(session, taken) : store.create(session))))
      throw new WeappSessionError('ERR_SESSION_EXPIRED')
    if (previous) await leave(previous, taken !== undefined)
    return record
  }

  /** The login does not fail because the session before it could not be ended: that one expires. */
  async function leave(previous: LoadedSession, isTaken: boolean): Promise<void> {
    if (isTaken) sessions.superseded(previous)
    // It has another credential by now, or another request ends it. A guest's goes on with whoever has it.
    else if (previous.record.user) await sessions.end(previous).catch(() => {})
  }

  /** A code that has its session already: the same session, for whoever holds what the same key signed. */
  async function repeat(id: string, record: SessionRecord, login: Login): Promise<SessionRecord> {
    const sessionKey = sealer.open(record.key, id)
    if (sessionKey === undefined) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    const { userInfo, encrypted } = login
    checkSignature(userInfo, sessionKey, record.user?.openId)
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
    const improved = await sessions.update(id, record, (current) =>
      current.user && isAnonymous(current.user)
        ? { ...current, user: userOf(current.user, profile) }
        : current,
    )
    // It has ended, or another request has taken it, and may put it back.
    return improved ?? improve(id, sessions.requireLive(await sessions.outcomeOf(id)), profile)
  }

  /** WeChat calls most users 微信用户 now: that must not replace a name which an earlier login brought. */
  async function knownProfile(user: string): Promise<Profile | undefined> {
    // A name is not worth a login: without the list, the user has none until the next one.
    const stored = await store.list(user).catch(() => [])
    const users = stored.filter(({ record }) => sessions.isLive(record)).map(({ record }) => record.user)
    const named = users.find((user) => user && !isAnonymous(user))
    return named ? pickProfile({ ...named }) : undefined
  }

  function tell(login: Login, { id, record, isNew }: LoggedIn, ms: number): void {
    const [user, session] = [ids.alias(record.user?.openId ?? ''), ids.alias(id)]
    channel.publish({ appId, user, session, isNew, proof: proofOf(login), ms })
  }
}

function proofOf({ userInfo, encrypted }: Login): Diagnostics['login']['proof'] {
  if (userInfo) return 'signature'
  return encrypted ? 'encryptedData' : 'none'
}

function checkSignature(userInfo: Login['userInfo'], sessionKey: string, openId: string | undefined): void {
  if (!userInfo) return
  const { rawData, signature } = userInfo
  const isGood = isSigned(rawData, signature, sessionKey)
  if (inspections.hasSubscribers) {
    const expected = signatureOf(rawData, sessionKey)
    const fits = (text: string) => isSigned(text, signature, sessionKey)
    inspections.publish({ kind: 'signature', isGood, expected, ...(openId && { openId }), fits })
  }
  if (!isGood) throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
}

function profileOf(fields: Record<string, unknown> | undefined): Profile | undefined {
  return fields && pickProfile(fields)
}
