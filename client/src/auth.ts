import { LOGIN_ACCEPTED, LOGIN_REQUIRED } from '../../src/protocol.js'
import { type Answer, credentialIn, type Head, loginWord } from './answer.js'
import { createBackoff } from './backoff.js'
import { type Credentials, type CredentialsOptions, createCredentials } from './credentials.js'
import { type Failure, optionError } from './errors.js'
import { leavesOut, wantsLogin } from './refusal.js'
import { NO_AUTH, type RequestAuth } from './request-auth.js'
import { failsLogin, loginBlock } from './retry.js'
import { originOf } from './urls.js'
import { isObject, sleep } from './util.js'
import type { Header } from './wx.js'
import { isFresh, type LoginData, type WxLogin } from './wx-login.js'

/** A call that needs auth. */
export interface Caller {
  /** Without a query. */
  url: string
  /** Whether it is made for nothing but a login. */
  isLoginOnly?: boolean | undefined
  /** Logs in. Who has this does so before, and gets no login here. */
  logIn?: unknown
  /** Goes out without a session, rather than fail or wait for a login that has failed. */
  isOptional?: boolean | undefined
}

/** The session of this user at this server. All calls share it. */
export interface Auth extends Pick<Credentials, 'carry' | 'current'> {
  /** Whether the server knows its users in another way: nothing logs in. */
  isForeign: boolean
  /**
   * Resolves with the session once there is one, or with a login: then the call is the leader, and the others wait for
   * it. Once the call has ended it need not resolve. Rejects with a {@link Failure} while logins are
   * blocked, and when `wx.login` fails. `isOver`: whether the call has ended; `isNew`: whether it was not sent before.
   */
  acquire(caller: Caller, isOver: () => boolean, isNew: boolean): Promise<RequestAuth>
  /**
   * The answer to a request has begun. Without `head`: no answer to it can come any more. Returns whether it was one
   * with the session, and could until now.
   */
  answered(auth: RequestAuth, head?: Head): boolean
  /**
   * A request was answered, or has failed. Resolves when it is known what that means for the session; if the answer
   * should be that to a login, and is not, with what is to be said of it.
   */
  settled(auth: RequestAuth, answer: Answer, failure?: Failure | false): Promise<Failure | undefined>
  /**
   * Nobody waits for the answer any more. If that was to a login, the leader gives it up, and the next call may log in.
   * `failure`: why, if the login has failed.
   */
  released(auth: RequestAuth, failure?: Failure): void
  /** The network is back. */
  retry(): void
  /** Forgets the session. */
  logOut(): void
}

export interface AuthOptions extends CredentialsOptions {
  wxLogin: WxLogin
  /** Whether answers without the word are believed, until their origin has said it once: servers of 2016 never do. */
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
 *     offered → idle       the server accepts the login, and the credentials begin; or it refuses it, or the leader
 *                          releases it
 *
 * Where something else answers the login (a page, a gateway), the session server has not seen it, or says the same to it
 * again. So it stays offered, and is shared: nobody waits any more, and every call carries it, until the server accepts
 * or refuses it, or its code is too old. So it is where no answer begins for {@link PATIENCE}: one slow call holds
 * nobody.
 */
type State =
  /** Nobody logs in. */
  | 'idle'
  /** The leader waits for a code of `wx.login`. */
  | 'fetching'
  /** Offered: the leader's request carries this to the server; once it is shared, every request does. */
  | LoginData

/** ms for which others wait for the answer to the leader. */
const PATIENCE = 6000

/** ms after a login in which a session that ends has ended at once, unless one of its requests has succeeded. */
const YOUTH = 5000

type LoginAuth = Required<RequestAuth>

function offer(login: LoginData, url: string): RequestAuth {
  return { header: login.header, url, login }
}

interface Waiter extends Caller {
  isFirst: boolean
  isOver(): boolean
  resolve(auth: RequestAuth): void
  reject(failure: Failure): void
}

export function createAuth(options: AuthOptions): Auth {
  const { wxLogin, prefix, isForeign, isTrusting, onLeft } = options
  const credentials = createCredentials(options)
  const backoff = createBackoff()
  /** Calls that wait for the leader, in the order in which they came. */
  const waiters: Waiter[] = []
  /** Origins that have said the word. */
  const speakers = new Set<string | undefined>()
  let state: State = 'idle'
  /** The origin that has accepted the login. Where no base is known, there may be several servers. */
  let home: string | undefined
  /**
   * When the session began (Unix ms), until a request with it has succeeded. A phone that slept has run no timers; and a clock
   * that was changed makes it older, which costs a login at most.
   */
  let birth = 0

  return {
    isForeign,
    current: credentials.current,
    acquire,
    answered,
    settled,
    released,
    carry: credentials.carry,
    retry: backoff.retry,
    logOut,
  }

  // — Getting auth —

  function acquire(caller: Caller, isOver: () => boolean, isNew: boolean): Promise<RequestAuth> {
    return new Promise((resolve, reject) => {
      const isFirst = !credentials.current() && backoff.isFirst() && isNew
      waiters.push(Object.assign({ isFirst, isOver, resolve, reject }, caller))
      serve()
    })
  }

  /**
   * Gives the session to all waiters, or the login that is shared; or, if there is neither, makes the first of them the
   * leader. `failure`: why whoever waited for nothing but a login has waited in vain; or everybody, if it `isFinal`.
   */
  function serve(failure?: Failure, isFinal?: boolean): void {
    for (const waiter of waiters.splice(0)) {
      const { url, logIn: ownLogIn, isLoginOnly, isOptional, isFirst, isOver, resolve, reject } = waiter
      const login = state as LoginData
      if (isOver()) continue
      if (credentials.find()) resolve(credentials.carry(url))
      else if (isOptional && (ownLogIn || leavesOut(failure || (!isFirst && backoff.reason()))))
        resolve(NO_AUTH)
      else if (ownLogIn) reject(optionError('see loginPath'))
      else if (failure && (isFinal || isLoginOnly)) reject(failure)
      else if (login.isShared && isFresh(login)) resolve(offer(login, url))
      else if (login.isShared || state === 'idle') logIn(waiter)
      // What fails meanwhile has failed for it too.
      else waiters.push(Object.assign(waiter, { isFirst: false }))
    }
  }

  async function logIn({ url, isFirst, isOptional, isOver, resolve, reject }: Waiter): Promise<void> {
    let auth = NO_AUTH
    state = 'fetching'
    try {
      await backoff.wait(isFirst)
      const login = await wxLogin.get(isOver).catch(failedToFetch)
      if (login) auth = offer(login, url)
      resolve(auth)
    } catch (failure) {
      if (isOptional && leavesOut(failure as Failure)) resolve(auth)
      else reject(failure as Failure)
    }
    state = auth.login || 'idle'
    serve()
    await sleep(PATIENCE)
    if (isOffered(auth)) share(auth)
  }

  function share({ login }: LoginAuth, failure?: Failure): void {
    login.isShared = true
    serve(failure)
  }

  function failedToFetch(failure: Failure): never {
    backoff.failed(failure)
    throw failure
  }

  // — What answers say —

  function answered(auth: RequestAuth, head?: Head): boolean {
    if (auth.login && head && loginWord(head) === LOGIN_ACCEPTED) {
      speakers.add(originOf(auth.url as string))
      accept(auth, head)
    }
    return credentials.answered(auth, head)
  }

  async function settled(
    auth: RequestAuth,
    answer: Answer,
    failure?: Failure | false,
  ): Promise<Failure | undefined> {
    answered(auth, answer)
    const isOver = loginWord(answer) === LOGIN_REQUIRED
    const origin = originOf(auth.url as string)
    if (!auth.login && (isOver || (failure && wantsLogin(failure)))) {
      const expired = credentials.expired(auth)
      // An answer of the app does not wait until it is known what else it means.
      const hasEnded = failure && (await expired)
      // A session that ends at once ends for a reason that another login does not remove; unless another server says so.
      if (hasEnded && Math.abs(Date.now() - birth) < YOUTH && origin === home) backoff.diedYoung()
    } else if (!auth.login && !failure && auth.url) birth = 0
    if (failure && failsLogin(failure)) released(auth, failure)
    // The login was good, but the handler may have seen the session end.
    else if (isOver) released(auth)
    else if (failure || (isTrusting && !speakers.has(origin) && answer.statusCode < 500)) accept(auth, answer)
    return !failure && isOffered(auth) ? strange(auth, answer) : undefined
  }

  /** Something else has answered a login. */
  function strange(auth: LoginAuth, { statusCode }: Answer): Failure {
    const message = `${statusCode}: not the session server: see loginPath`
    const failure: Failure = { code: 'ERR_NETWORK', message, statusCode, retryable: true }
    share(auth, failure)
    return failure
  }

  function accept(auth: RequestAuth, head: Head): void {
    const code = auth.login && { [`${prefix}Code`]: auth.login.data.code }
    if (auth.login && auth.login.isLeft && onLeft)
      onLeft(credentialIn(head, prefix) || (code as Header), true)
    if (!isOffered(auth)) return
    const { url } = auth
    backoff.succeeded()
    state = 'idle'
    home = originOf(url)
    birth = Date.now()
    credentials.begin(code as Header, url, head)
    serve()
  }

  function released(auth: RequestAuth, failure?: Failure): void {
    credentials.answered(auth)
    if (!isOffered(auth)) return
    const { reason, errCode, retryable } = Object(failure) as Partial<Failure>
    const isUntrusted = /UNTRUSTED/.test(`${reason}`)
    let isFinal = false
    // What WeChat's gateway says is not said of the login, which has not reached the server.
    if (errCode) auth.login.isShared = true
    // Whoever gives up a shared login speaks for itself. Only the server refuses it for all.
    else if (reason || !auth.login.isShared) {
      state = 'idle'
      if (failure) backoff.failed(failure, loginBlock(failure))
      if (isUntrusted) wxLogin.distrust()
      // What no other login would change is said to all who wait.
      isFinal = !!reason && !retryable && !(isUntrusted && auth.login.data.rawData)
    }
    serve(isFinal ? failure : undefined, isFinal)
  }

  function isOffered(auth: RequestAuth): auth is LoginAuth {
    return state === auth.login
  }

  function logOut(): void {
    const login = state as LoginData
    wxLogin.drop()
    // Its answer may still bring a session.
    if (onLeft && isObject(login)) login.isLeft = true
    if (login.isShared) state = 'idle'
    credentials.drop()
  }
}
