import { CODE_HEADER } from '../../src/protocol.js'
import { credentialIn, type Head, requiresLogin } from './answer.js'
import { createBackoff, YOUTH } from './backoff.js'
import { livingCookies, readCookies } from './cookies.js'
import type { Failure } from './errors.js'
import { allAnswered } from './in-flight.js'
import { type Refusal, wantsLogin } from './refusal.js'
import { NO_AUTH, type RequestAuth } from './request-auth.js'
import { failsLogin, loginBlock } from './retry.js'
import type { SessionStorage } from './storage.js'
import { timeLeft } from './util.js'
import type { Header } from './wx.js'
import type { LoginData, WxLogin } from './wx-login.js'

/** A call that needs auth. */
export interface Caller {
  url: string
  /** Whether the call has ended. */
  isOver(): boolean
}

/** The session of this user at this server. All calls share it. */
export interface Auth {
  hasSession(): boolean
  /**
   * Resolves with the session once there is one, or with a login: then the call is the leader, and the others wait for
   * it. Resolves with {@link NO_AUTH} if the call has ended meanwhile. Rejects with a {@link Failure} while logins are
   * blocked, and when `wx.login` fails.
   */
  acquire(caller: Caller): Promise<RequestAuth>
  /** The answer to a request has begun. Without `head`: no answer to it can come any more. */
  answered(auth: RequestAuth, head?: Head): void
  /** The server has accepted a login. */
  accepted(auth: RequestAuth, head: Head): void
  /** The server has refused a session or a login. Resolves when it is known what that means for the session. */
  refused(auth: RequestAuth, refusal: Refusal, head: Head): Promise<void>
  /** The leader gives up its login, and the next call may log in. `failure`: why, if the login has failed. */
  released(auth: RequestAuth, failure?: Failure): void
  /** The server does not know this credential any more. */
  expired(auth: RequestAuth): Promise<void>
  /** The same auth once more, for a request that goes on after its call has ended. */
  fork(auth: RequestAuth): RequestAuth
  /** Forgets the session. */
  logOut(): void
}

export interface AuthOptions {
  wxLogin: WxLogin
  storage: SessionStorage
  /** Whether the server has sessions of its own, in cookies. Then nothing logs in. */
  isCookiesOnly: boolean
  onChange(isLoggedIn: boolean): void
}

/**
 * The state of a session:
 *
 *     idle ─▶ fetching ─▶ offered ─▶ active ─▶ idle
 *
 *     idle → fetching      a call acquires: it becomes the leader
 *     fetching → offered   there is a code, and the leader takes it
 *     fetching → idle      there is none, or the leader's call is over
 *     offered → active     the server accepts the login
 *     offered → idle       the server refuses it, or the leader releases it
 *     active → idle        the session has expired, or the user logs out
 */
type State =
  /** There is no session, and nobody logs in. */
  | { kind: 'idle' }
  /** The leader waits for a code of `wx.login`. */
  | { kind: 'fetching' }
  /** The leader's request carries the code to the server. */
  | { kind: 'offered'; login: LoginData }
  | ActiveState
  /** The server has sessions of its own, which are in cookies. This state never ends. */
  | { kind: 'cookies'; credential: Header }

interface ActiveState {
  kind: 'active'
  credential: Header
  /** Unix ms; 0 for a session that was found in storage. */
  loggedInAt: number
  /** The credential before, if both came at once: nobody knows which of them is the newer. */
  previous?: Header | undefined
}

interface Waiter extends Caller {
  resolve(auth: RequestAuth): void
  reject(failure: Failure): void
}

export function createAuth({ wxLogin, storage, isCookiesOnly, onChange }: AuthOptions): Auth {
  const stored = storage.session
  const backoff = createBackoff()
  /** Calls that wait for the leader, in the order in which they came. */
  const waiters: Waiter[] = []
  /** Requests that carry the session, and whose answer may bring another credential. */
  const inFlight = new Set<RequestAuth>()
  let state = firstState()

  return { hasSession, acquire, answered, accepted, refused, released, expired, fork, logOut }

  function firstState(): State {
    if (isCookiesOnly) return { kind: 'cookies', credential: {} }
    const { credential } = stored
    return credential ? { kind: 'active', credential, loggedInAt: 0 } : { kind: 'idle' }
  }

  // — Getting auth —

  function hasSession(): boolean {
    return !!credentialNow() && !hasLostCookies()
  }

  function credentialNow(): Header | undefined {
    return state.kind === 'active' || state.kind === 'cookies' ? state.credential : undefined
  }

  function acquire(caller: Caller): Promise<RequestAuth> {
    if (hasLostCookies()) logOut()
    return new Promise((resolve, reject) => {
      waiters.push(Object.assign({ resolve, reject }, caller))
      serve()
    })
  }

  /** Gives the session to all waiters; or, if there is none, makes the first of them the leader. */
  function serve(): void {
    while (state.kind !== 'fetching' && state.kind !== 'offered') {
      const waiter = waiters.shift()
      if (!waiter) return
      if (waiter.isOver()) waiter.resolve(NO_AUTH)
      else if (state.kind === 'idle') logIn(waiter)
      else waiter.resolve(track({ kind: 'session', header: state.credential, url: waiter.url }))
    }
  }

  async function logIn(leader: Waiter): Promise<void> {
    state = { kind: 'fetching' }
    try {
      const login = await freshLogin(leader.isOver)
      state = { kind: 'idle' }
      if (login && !leader.isOver()) {
        wxLogin.drop()
        state = { kind: 'offered', login }
        leader.resolve({ kind: 'login', header: login.header, url: leader.url, login })
      } else leader.resolve(NO_AUTH)
    } catch (failure) {
      state = { kind: 'idle' }
      leader.reject(failure as Failure)
    }
    serve()
  }

  async function freshLogin(isOver: () => boolean): Promise<LoginData | undefined> {
    await backoff.wait()
    try {
      return await wxLogin.get(isOver)
    } catch (failure) {
      backoff.failed(failure as Failure)
      throw failure
    }
  }

  // — What answers say of a login —

  function accepted(auth: RequestAuth, head: Head): void {
    if (!isOffered(auth)) return
    backoff.succeeded()
    // Answers that are still on their way belong to the session before.
    inFlight.clear()
    stored.isInCookies = readCookies(stored, auth.url, head) && !!livingCookies(stored)[0]
    const code = { [CODE_HEADER]: auth.header[CODE_HEADER] as string }
    state = { kind: 'active', credential: credentialIn(head) || code, loggedInAt: auth.login.since }
    save()
    onChange(true)
    serve()
  }

  function released(auth: RequestAuth, failure?: Failure, block?: number): void {
    if (!isOffered(auth)) return
    if (failure) backoff.failed(failure, block)
    state = { kind: 'idle' }
    serve()
  }

  async function refused(auth: RequestAuth, refusal: Refusal, head: Head): Promise<void> {
    if (auth.kind !== 'login') {
      if (wantsLogin(refusal) || requiresLogin(head)) await expired(auth)
    } else if (failsLogin(refusal)) released(auth, refusal, loginBlock(refusal))
    // The login was good, but the handler may have seen the session end.
    else if (requiresLogin(head)) released(auth)
    else accepted(auth, head)
  }

  function isOffered(auth: RequestAuth): auth is RequestAuth & { kind: 'login' } {
    return auth.kind === 'login' && state.kind === 'offered' && state.login === auth.login
  }

  // — What answers say of the session —

  function track(auth: RequestAuth): RequestAuth {
    inFlight.add(auth)
    return auth
  }

  function fork(auth: RequestAuth): RequestAuth {
    return auth.kind === 'session' ? track(Object.assign({}, auth)) : auth
  }

  function answered(auth: RequestAuth, head?: Head): void {
    const credential = credentialNow()
    // An answer is heard twice: when its header arrives, and when it ends. By then there may be a newer credential, so
    // only the first time counts.
    if (!inFlight.delete(auth) || auth.kind !== 'session' || !head || !credential) return
    const hasCookies = readCookies(stored, auth.url, head)
    const received = state.kind === 'active' && credentialIn(head)
    if (received && JSON.stringify(received) !== JSON.stringify(credential)) {
      // Two requests with the same credential may each bring another one. The last is tried first:
      //   request 1 with A ────────────── answer with C
      //   request 2 with A ─── answer with B             the next requests try C, then B
      update({ credential: received, previous: auth.header === credential ? undefined : credential })
    } else if (hasCookies && isInCookies(credential)) {
      // Requests that were sent before do not carry these cookies. A refusal of them must not end the session, so the
      // session gets a credential object of its own.
      update({ credential: Object.assign({}, credential) })
    } else if (hasCookies) storage.save()
  }

  /**
   * A server ends the old credential at once when it gives another, and the answer with the new one may still be on its
   * way. So a refusal is believed when no such answer can come any more:
   *
   *     request 1 ─── server changes A to B ─────────── answer with B
   *     request 2 ─── server refuses A ─── refusal ─ ─ ─ ─ waits ─ ─ ─ sent again with B
   */
  async function expired({ header }: RequestAuth): Promise<void> {
    if (state.kind === 'active' && state.previous === header) state.previous = undefined
    // A code does not change, except where the session may be in cookies.
    const mayChange = !header[CODE_HEADER] || isInCookies(header)
    if (mayChange) await allAnswered(inFlight, () => !!activeWith(header))

    const ended = activeWith(header)
    if (!ended) return
    if (ended.previous) return update({ credential: ended.previous, previous: undefined })
    forget()
    // A session that ends so soon ends for a reason that another login does not remove.
    if (timeLeft(ended.loggedInAt + YOUTH, YOUTH)) backoff.diedYoung()
  }

  /** The state, if the session has this credential now. */
  function activeWith(credential: Header): ActiveState | undefined {
    return state.kind === 'active' && state.credential === credential ? state : undefined
  }

  function update(changes: Partial<ActiveState>): void {
    state = Object.assign({}, state as ActiveState, changes)
    save()
  }

  /** Whether the server may know the session by cookies. It may also know it by the code alone, so both are sent. */
  function isInCookies(credential: Header): boolean {
    return !!stored.isInCookies && !!credential[CODE_HEADER]
  }

  /** Whether the cookies that may be the session have expired. The server would answer as to nobody, and not refuse. */
  function hasLostCookies(): boolean {
    return state.kind === 'active' && isInCookies(state.credential) && !livingCookies(stored)[0]
  }

  // — The end —

  function logOut(): void {
    inFlight.clear()
    wxLogin.drop()
    stored.cookies = undefined
    forget()
  }

  function forget(): void {
    const wasActive = state.kind === 'active'
    if (wasActive) state = { kind: 'idle' }
    // Also if there is no session: the storage may have failed to clear the last one.
    save()
    if (wasActive) onChange(false)
  }

  function save(): void {
    stored.credential = state.kind === 'active' ? state.credential : undefined
    storage.save()
  }
}
