import { type Answer, type Head, headerOf, loginWord } from './answer.js'
import type { Auth } from './auth.js'
import { withJitter } from './backoff.js'
import { type ErrorCode, type Failure, type Phase, SessionError, wxFailure } from './errors.js'
import { readRefusal } from './refusal.js'
import { NO_AUTH, type RequestAuth } from './request-auth.js'
import { nextStep } from './retry.js'
import { type Callbacks, createSettlement } from './settle.js'
import { createTask } from './task.js'
import type { Call } from './types.js'
import { isObject, orUndefined, sleep } from './util.js'
import type { WxOptions } from './wx-options.js'

export interface CallOptions<Result> {
  callbacks: Callbacks<Result> & Pick<WxOptions, 'header' | 'timeout' | 'retries' | 'ready' | 'read'>
  /** What its errors are called by: the call of `wx`, and the request. */
  name(): CallName
  /** ms until an answer begins, or moves again. */
  deadline: number
  /** The calls that are running. */
  running: Set<EndCall>
  /** Says what is sent, and where. What it throws is the failure of the call. */
  prepare(): Target & Outgoing<Result>
}

/** Ends a call: because the user logs out, where it runs with the session; or it is cancelled. */
export type EndCall = (isLogout?: boolean) => void

/** The call of `wx`; and the request, as the app names it, and without its query. */
export interface CallName {
  api: string
  method: string
  path: string
}

/** Where a call goes. */
export interface Target {
  auth: Auth
  /** Without a query. */
  url: string
  /** With it, by http. */
  href: string
  /** Whether the session goes with it. Other requests go out as they are, once. */
  isOurs: boolean
  /** Whether it may go out without. */
  isOptional: boolean
  /** Logs in, for a request that cannot carry a login: its answer would not say whether the server accepted it. */
  logIn: (() => Promise<unknown>) | undefined
}

/** Finds out whether a session still lives, by requests of its own. */
export interface Answers {
  /** Resolves to whether it does. */
  findOut(auth: Auth, url: string): Promise<boolean>
  /** The same for sockets, and what the next of them wait for. */
  ask(auth: Auth, url: string): void
  asking(): Promise<unknown> | undefined
}

/** What a call sends. */
export interface Outgoing<Result> {
  send: Send<Result>
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe?: boolean
  /** What it waits for, before all else. */
  ready?: Promise<unknown> | undefined
  /** The answer as it is meant, where that is not what it says. */
  read?: ((answer: Answer) => Answer | Promise<Answer>) | '' | undefined
  /** Whether it is sent only to log in: if there is a session, there is nothing to send. */
  isLoginOnly?: boolean
}

/**
 * Starts one attempt, with what `auth` says in its header. Returns whatever `wx` gave: a task, a promise of one, of the
 * result or of nothing, or nothing at all.
 */
export type Send<Result> = (
  auth: RequestAuth,
  callbacks: { success(result: Result): void; fail(error: unknown): void },
) => unknown

interface Outcome<Result> {
  result?: Result
  answer: Answer
  failure?: Failure
  /** Whether some of the answer has come. */
  hasBegun?: boolean
}

/**
 * One call of the app, from the first wait to the end: there is exactly one. It comes within `deadline` ms, unless an
 * answer has begun by then, or something moves.
 */
export function startCall<Result>({
  callbacks,
  name,
  deadline,
  running,
  prepare,
}: CallOptions<Result>): Call<Result> {
  let phase: Phase = 'wait'
  let attempts = 0
  let auth: Auth | undefined
  let url: string | undefined
  let requestAuth = NO_AUTH
  let attempt: object | undefined
  /** The last refusal, of those that were not the end. */
  let refusal: Failure | undefined
  let timer!: ReturnType<typeof setTimeout>
  /** Whether an answer has begun, or moved again; and whether the deadline has passed meanwhile. */
  let isMoving = false
  let isOverdue = false
  /** Whether a logout ends it. */
  let isOurs = !!callbacks.ready

  const { promise, isSettled, succeed, fail } = createSettlement(callbacks, cleanUp)
  const { task, follow } = createTask(() => end())
  watch(deadline)
  running.add(end)
  run().catch((error: unknown) => {
    // What a hook throws is the app's own.
    if (callbacks.ready && !/^ERR_/.test(Object(error).code)) fail(error as SessionError)
    else failWith(asFailure(error))
  })
  return Object.assign(promise, task)

  async function run(): Promise<void> {
    if (callbacks.ready) Object.assign(callbacks, await callbacks.ready())
    const target = prepare()
    const { isSafe = false, isOptional } = target
    auth = target.auth
    url = target.url
    isOurs = target.isOurs
    // Nothing is called back before the caller has its task.
    await target.ready

    while (!isSettled()) {
      if (isOurs) {
        if (!auth.current()) {
          phase = 'login'
          await (target.logIn && target.logIn())
        }
        requestAuth = await auth.acquire(target, isSettled, !attempts)
        if (isOptional) isOurs = carriesSession()
      }
      // One header cannot name both the app's own user and the session: the app's goes out, and the session stays out.
      if (requestAuth.header.Authorization && headerOf(callbacks.header, 'Authorization')) {
        auth.released(requestAuth)
        requestAuth = NO_AUTH
      }
      // The call may have ended while it waited. From here to the sending nothing may come between.
      if (isSettled()) return cleanUp()
      const { login } = requestAuth
      if (target.isLoginOnly && !login) return succeed(undefined as unknown as Result)
      const {
        result,
        answer,
        hasBegun,
        failure = carriesSession() && readRefusal(answer),
      } = await sendOnce(target, auth)
      const stranger = await auth.settled(requestAuth, answer, failure)
      // A login that was accepted is one, also where its body breaks off.
      if (target.isLoginOnly && auth.current()) return succeed(result as Result)
      if (!failure && stranger && target.isLoginOnly) return failWith(stranger)
      if (!failure) return succeed(await finish(result))

      const step = nextStep({
        failure,
        attempts,
        isSafe,
        login,
        word: loginWord(answer),
        isOptional,
        // What has begun to arrive is not asked for again.
        retries: hasBegun ? 0 : callbacks.retries,
      })
      requestAuth = NO_AUTH
      if (step === 'fail' || (step === 'logIn' && auth.isForeign)) return failWith(failure)
      refusal = failure
      if (isOverdue) return late()
      if (step === 'goWithout') isOurs = false
      else if (step !== 'logIn') await sleep(withJitter(step))
    }
  }

  /** The answer is there, and what is made of it may take its time. */
  async function finish(result: unknown): Promise<Result> {
    clearTimeout(timer)
    const { read } = callbacks
    return (read ? await read(result, failWith) : result) as Result
  }

  async function sendOnce(
    { send, read, isLoginOnly }: Outgoing<Result>,
    auth: Auth,
  ): Promise<Outcome<Result>> {
    phase = 'request'
    attempts += 1
    let head: Head | undefined
    const outcome = await new Promise<Outcome<Result>>((resolve) => {
      const given = send(requestAuth, { success, fail })
      take(given)
      Promise.resolve(given).then(take, fail)

      function take(thing: unknown): void {
        if (Object(thing).statusCode) success(thing as Result)
        else if (isObject(thing) && thing !== attempt) {
          attempt = thing
          if (isSettled()) abort()
          follow(thing, begin, () => {
            isMoving = true
          })
        }
      }

      function begin(received: Head): boolean {
        head = received
        // The answer to a login alone is soon there, and its body may say more.
        if (!isLoginOnly) auth.answered(requestAuth, received)
        return carriesSession()
      }

      function success(result: Result): void {
        // The answer to a transfer has no header of its own.
        const answer = Object.assign({}, head, result as unknown as Answer)
        resolve({ result, answer })
      }

      function fail(error: unknown): void {
        // What has begun has said what it is.
        const answer = Object.assign({}, head, { statusCode: 0 })
        resolve({ answer, failure: wxFailure('ERR_NETWORK', error) })
      }
    })
    attempt = undefined
    outcome.hasBegun = isMoving || !!head
    isMoving = false
    if (read && carriesSession() && !outcome.failure) {
      // What it could bring, it has brought. Only the body of a login says more.
      if (!isLoginOnly) auth.answered(requestAuth, outcome.answer)
      outcome.answer = await read(outcome.answer)
    }
    return outcome
  }

  /** Whether its answer may be a refusal. */
  function carriesSession(): boolean {
    return requestAuth.url !== undefined
  }

  /** What has begun may take its time, but not for ever: what does not move any more ends the call too. */
  function watch(ms: number): void {
    timer = setTimeout(() => {
      if (!isMoving) return late()
      isMoving = false
      isOverdue = true
      watch(Math.max(deadline, Number(callbacks.timeout) || 0))
    }, ms)
  }

  function late(): void {
    stop('ERR_DEADLINE', `no answer within ${deadline} ms`, true)
  }

  function end(isLogout?: boolean): void {
    if (!isLogout) stop('ERR_ABORTED', 'abort')
    else if (isOurs) stop('ERR_LOGGED_OUT', 'logged out')
  }

  function stop(code: ErrorCode, message: string, retryable = false): void {
    const failure = { code, message, retryable, cause: refusal && errorOf(refusal) }
    // The login of a leader whose time is over has failed too.
    if (retryable && auth) auth.released(requestAuth, failure)
    failWith(failure)
  }

  function cleanUp(): void {
    clearTimeout(timer)
    running.delete(end)
    if (auth) auth.released(requestAuth)
    const { isLeft, login } = requestAuth
    // The server has to be told of what its answer brings.
    if (!isLeft && !(login && login.isLeft)) abort()
  }

  function abort(): void {
    orUndefined(() => (attempt as { abort(): void }).abort())
  }

  function failWith(failure: Failure): void {
    fail(errorOf(failure))
  }

  function errorOf(failure: Failure): SessionError {
    const { api, method, path } = name()
    const errMsg = `${api}:fail ${failure.message}`
    const message = `${method} ${path || url}: ${failure.message}`
    return new SessionError(Object.assign({ errMsg }, failure, { message, phase, attempts, method, url }))
  }
}

/** What was thrown: a failure of this client; or by `wx` or by a function of the app, because of its options. */
function asFailure(error: unknown): Failure {
  const { code, message = String(error) } = Object(error)
  const unknown = { code: 'ERR_OPTIONS', message, retryable: false, cause: error } as const
  return Object.assign(unknown, /^ERR_/.test(code) && error)
}
