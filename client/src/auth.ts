import { LOGIN_ACCEPTED, LOGIN_REQUIRED } from '../../src/protocol.js'
import { type Answer, type Head, loginWord } from './answer.js'
import { createBackoff, YOUTH } from './backoff.js'
import { type Credentials, type CredentialsOptions, createCredentials } from './credentials.js'
import { type Failure, GATEWAY } from './errors.js'
import { wantsLogin } from './refusal.js'
import { NO_AUTH, type RequestAuth } from './request-auth.js'
import { failsLogin, loginBlock } from './retry.js'
import { timeLeft } from './util.js'
import type { LoginData, WxLogin } from './wx-login.js'

/** A call that needs auth. */
export interface Caller {
  /** Without a query. */
  url: string
  /** Whether it is made for nothing but a login. */
  isLoginOnly?: boolean | undefined
}

/** The session of this user at this server. All calls share it. */
export interface Auth extends Pick<Credentials, 'carry'> {
  /** Whether the server knows its users in another way: nothing logs in. */
  isForeign: boolean
  hasSession(): boolean
  /**
   * Resolves with the session once there is one, or with a login: then the call is the leader, and the others wait for
   * it. Once the call has ended it need not resolve. Rejects with a {@link Failure} while logins are
   * blocked, and when `wx.login` fails. `isOver`: whether the call has ended.
   */
  acquire(caller: Caller, isOver: () => boolean): Promise<RequestAuth>
  /** The answer to a request has begun. Without `head`: no answer to it can come any more. */
  answered(auth: RequestAuth, head?: Head): void
  /**
   * A request was answered, or has failed. Resolves when it is known what that means for the session; if the answer
   * should be that to a login, and is not, with what is to be said of it.
   */
  settled(auth: RequestAuth, answer: Answer, failure?: Failure | false): Promise<Failure | undefined>
  /** The leader gives up its login, and the next call may log in. `failure`: why, if the login has failed. */
  released(auth: RequestAuth, failure?: Failure): void
  /** Forgets the session. */
  logOut(): void
}

export interface AuthOptions extends CredentialsOptions {
  wxLogin: WxLogin
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
  | 'idle'
  /** The leader waits for a code of `wx.login`. */
  | 'fetching'
  /** Offered: the leader's request carries this to the server. */
  | LoginData

type LoginAuth = Required<RequestAuth>

interface Waiter extends Caller {
  isOver(): boolean
  resolve(auth: RequestAuth): void
  reject(failure: Failure): void
}

export function createAuth(options: AuthOptions): Auth {
  const { wxLogin, prefix, isForeign } = options
  const credentials = createCredentials(options)
  const backoff = createBackoff()
  /** Calls that wait for the leader, in the order in which they came. */
  const waiters: Waiter[] = []
  /** URLs where something else than the session server answers: what it answered to a login. */
  const strangers = new Map<string, Failure>()
  let state: State = 'idle'
  let { isTrusting } = options

  return {
    isForeign,
    hasSession: () => !!credentials.current(),
    acquire,
    answered,
    settled,
    released,
    carry: credentials.carry,
    logOut,
  }

  // — Getting auth —

  function acquire({ url, isLoginOnly }: Caller, isOver: () => boolean): Promise<RequestAuth> {
    // Whoever wants a login, and nothing else, gets a try.
    if (isLoginOnly) strangers.delete(url)
    return new Promise((resolve, reject) => {
      waiters.push({ url, isLoginOnly, isOver, resolve, reject })
      serve()
    })
  }

  /** Gives the session to all waiters; or, if there is none, makes the first of them the leader. */
  function serve(): void {
    for (const waiter of waiters.splice(0)) {
      const { url, isLoginOnly, resolve, reject } = waiter
      const stranger = strangers.get(url)
      if (waiter.isOver()) continue
      if (credentials.current()) resolve(credentials.carry(url))
      else if (stranger && isLoginOnly) reject(stranger)
      else if (stranger) resolve({ header: {}, url })
      else if (state === 'idle') logIn(waiter)
      else waiters.push(waiter)
    }
  }

  async function logIn({ url, isOver, resolve, reject }: Waiter): Promise<void> {
    let auth = NO_AUTH
    state = 'fetching'
    try {
      const login = await freshLogin(isOver)
      if (login && !isOver()) {
        wxLogin.drop()
        auth = { header: login.header, url, login }
      }
      resolve(auth)
    } catch (failure) {
      reject(failure as Failure)
    }
    state = auth.login || 'idle'
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
    if (!auth.login || !head || loginWord(head) !== LOGIN_ACCEPTED) return
    isTrusting = false
    accept(auth, head)
  }

  async function settled(
    auth: RequestAuth,
    answer: Answer,
    failure?: Failure | false,
  ): Promise<Failure | undefined> {
    answered(auth, answer)
    const isOver = loginWord(answer) === LOGIN_REQUIRED
    if (!auth.login && (isOver || (failure && wantsLogin(failure)))) {
      strangers.delete(auth.url as string)
      const since = await credentials.expired(auth)
      // A session that is refused so soon ends for a reason that another login does not remove.
      if (failure && since && timeLeft(since + YOUTH, YOUTH)) backoff.diedYoung()
    }
    if (failure && failsLogin(failure)) released(auth, failure)
    // The login was good, but the handler may have seen the session end.
    else if (isOver) released(auth)
    else if (failure || (isTrusting && answer.statusCode < 500)) accept(auth, answer)
    return isOffered(auth) ? strange(auth, answer) : undefined
  }

  /** Something else has answered a login; or nobody knows what did. */
  function strange(auth: LoginAuth, { statusCode }: Answer): Failure {
    const { url } = auth
    const message = `${statusCode} ${url}: not the session server: see loginPath`
    const failure: Failure = { code: 'ERR_NETWORK', message, statusCode, retryable: true }
    // An error may be of the moment, and it may have come after the login.
    if (statusCode < 400) strangers.set(url, failure)
    else backoff.pause()
    released(auth)
    return failure
  }

  function accept(auth: RequestAuth, head: Head): void {
    if (!isOffered(auth)) return
    const { login, url } = auth
    backoff.succeeded()
    state = 'idle'
    credentials.begin({ [`${prefix}Code`]: login.data.code }, url, head, login.since)
    serve()
  }

  function released(auth: RequestAuth, failure?: Failure): void {
    if (!isOffered(auth)) return
    if (failure && GATEWAY.test(`${failure.errCode}`)) {
      // It says nothing of the login, which has not reached the server.
      backoff.pause()
      wxLogin.keep(auth.login)
    } else if (failure) backoff.failed(failure, loginBlock(failure))
    state = 'idle'
    serve()
  }

  function isOffered(auth: RequestAuth): auth is LoginAuth {
    return state === auth.login
  }

  function logOut(): void {
    wxLogin.drop()
    credentials.drop()
  }
}
