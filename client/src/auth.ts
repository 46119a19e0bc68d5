import type { HeaderNames } from '../../src/protocol.js'
import { type Answer, acceptsLogin, type Head, requiresLogin } from './answer.js'
import { createBackoff, YOUTH } from './backoff.js'
import type { Credentials } from './credentials.js'
import type { Failure } from './errors.js'
import { type Refusal, wantsLogin } from './refusal.js'
import { NO_AUTH, type RequestAuth } from './request-auth.js'
import { failsLogin, isOfGateway, loginBlock } from './retry.js'
import { pathOf } from './urls.js'
import { timeLeft } from './util.js'
import type { LoginData, WxLogin } from './wx-login.js'

/** A call that needs auth. */
export interface Caller {
  url: string
  /** Whether it is made for nothing but a login. */
  isLoginOnly?: boolean | undefined
  /** Whether the call has ended. */
  isOver(): boolean
}

/** The session of this user at this server. All calls share it. */
export interface Auth extends Pick<Credentials, 'fork'> {
  /** Whether the server knows its users in another way: nothing logs in. */
  isForeign: boolean
  hasSession(): boolean
  /**
   * Resolves with the session once there is one, or with a login: then the call is the leader, and the others wait for
   * it. Resolves with {@link NO_AUTH} if the call has ended meanwhile. Rejects with a {@link Failure} while logins are
   * blocked, and when `wx.login` fails.
   */
  acquire(caller: Caller): Promise<RequestAuth>
  /** The answer to a request has begun. Without `head`: no answer to it can come any more. */
  answered(auth: RequestAuth, head?: Head): void
  /** A request was answered, and not refused. Returns why that is not the answer to a login, if it should be one. */
  concluded(auth: RequestAuth, answer: Answer): Failure | undefined
  /** The server has refused a session or a login. Resolves when it is known what that means for the session. */
  refused(auth: RequestAuth, refusal: Refusal, head: Head): Promise<void>
  /** The leader gives up its login, and the next call may log in. `failure`: why, if the login has failed. */
  released(auth: RequestAuth, failure?: Failure): void
  /** Forgets the session. */
  logOut(): void
}

export interface AuthOptions {
  wxLogin: WxLogin
  credentials: Credentials
  names: HeaderNames
  isForeign: boolean
  /** Whether answers without the word are believed, until the server has said it once: servers of 2016 never do. */
  isTrusting: boolean
}

/**
 * Who logs in, while there are no credentials:
 *
 *     idle ─▶ fetching ─▶ offered ─▶ idle
 *
 *     idle → fetching      a call acquires: it becomes the leader
 *     fetching → offered   there is a code, and the leader takes it
 *     fetching → idle      there is none, or the leader's call is over
 *     offered → idle       the server accepts the login, and the credentials begin; or it refuses it, something else
 *                          answers, or the leader releases it
 */
type State =
  /** Nobody logs in. */
  | { kind: 'idle' }
  /** The leader waits for a code of `wx.login`. */
  | { kind: 'fetching' }
  /** The leader's request carries the code to the server. */
  | { kind: 'offered'; login: LoginData }

interface Waiter extends Caller {
  resolve(auth: RequestAuth): void
  reject(failure: Failure): void
}

export function createAuth({ wxLogin, credentials, names, isForeign, isTrusting }: AuthOptions): Auth {
  const backoff = createBackoff()
  /** Calls that wait for the leader, in the order in which they came. */
  let waiters: Waiter[] = []
  /** Paths where something else than the session server answers: what it answered to a login. */
  const strangers = new Map<string, Failure>()
  let state: State = { kind: 'idle' }
  let trustsAnswers = isTrusting

  return {
    isForeign,
    hasSession: credentials.areGood,
    acquire,
    answered,
    concluded,
    refused,
    released,
    fork: credentials.fork,
    logOut,
  }

  // — Getting auth —

  function acquire(caller: Caller): Promise<RequestAuth> {
    if (credentials.current() && !credentials.areGood()) logOut()
    // Whoever wants a login, and nothing else, gets a try.
    if (caller.isLoginOnly) strangers.delete(pathOf(caller.url))
    return new Promise((resolve, reject) => {
      waiters.push(Object.assign({ resolve, reject }, caller))
      serve()
    })
  }

  /** Gives the session to all waiters; or, if there is none, makes the first of them the leader. */
  function serve(): void {
    const all = waiters
    waiters = []
    for (const waiter of all) {
      const { url, isLoginOnly, resolve, reject } = waiter
      const stranger = strangers.get(pathOf(url))
      if (waiter.isOver()) resolve(NO_AUTH)
      else if (credentials.current()) resolve(credentials.carry(url))
      else if (stranger && isLoginOnly) reject(stranger)
      else if (stranger) resolve({ kind: 'guest', header: {}, url })
      else if (state.kind === 'idle') logIn(waiter)
      else waiters.push(waiter)
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

  // — What answers say —

  function answered(auth: RequestAuth, head?: Head): void {
    credentials.answered(auth, head)
    if (auth.kind !== 'login' || !head || !acceptsLogin(head)) return
    trustsAnswers = false
    accept(auth, head)
  }

  function concluded(auth: RequestAuth, answer: Answer): Failure | undefined {
    const { statusCode } = answer
    if (requiresLogin(answer)) {
      if (auth.kind === 'session') credentials.expired(auth)
      released(auth)
    } else if (trustsAnswers && statusCode < 500) accept(auth, answer)
    if (!isOffered(auth)) return undefined

    const path = pathOf(auth.url)
    const message = `${statusCode} ${path}: this did not come from the session server, see loginPath`
    const failure: Failure = { code: 'ERR_NETWORK', message, statusCode, retryable: true }
    // An error may be of the moment, and it may have come after the login.
    if (statusCode < 400) strangers.set(path, failure)
    else backoff.pause()
    released(auth)
    return failure
  }

  async function refused(auth: RequestAuth, refusal: Refusal, head: Head): Promise<void> {
    if (auth.kind === 'login') {
      if (failsLogin(refusal)) released(auth, refusal)
      // The login was good, but the handler may have seen the session end.
      else if (requiresLogin(head)) released(auth)
      else accept(auth, head)
    } else if (wantsLogin(refusal) || requiresLogin(head)) {
      if (auth.kind === 'guest') strangers.delete(pathOf(auth.url))
      const since = await credentials.expired(auth)
      // A session that ends so soon ends for a reason that another login does not remove.
      if (since && timeLeft(since + YOUTH, YOUTH)) backoff.diedYoung()
    }
  }

  function accept(auth: RequestAuth, head: Head): void {
    if (!isOffered(auth)) return
    const { login, url } = auth
    backoff.succeeded()
    state = { kind: 'idle' }
    credentials.begin({ [names.code]: login.data.code }, url, head, login.since)
    serve()
  }

  function released(auth: RequestAuth, failure?: Failure): void {
    if (!isOffered(auth)) return
    // What a gateway stops says nothing of logins.
    if (failure && isOfGateway(failure)) backoff.pause()
    else if (failure) backoff.failed(failure, loginBlock(failure))
    state = { kind: 'idle' }
    serve()
  }

  function isOffered(auth: RequestAuth): auth is RequestAuth & { kind: 'login' } {
    return auth.kind === 'login' && state.kind === 'offered' && state.login === auth.login
  }

  function logOut(): void {
    wxLogin.drop()
    credentials.drop()
  }
}
