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
import { sleep } from './util.js'
import type { Header, WxError, WxTask } from './wx.js'

export interface CallOptions<Result> {
  callbacks: Callbacks<Result> & { header?: Header | undefined }
  /** ms until the call ends, whatever happens. */
  deadline: number
  /** The calls that run with the session: what to do with each when the user logs out. */
  running: Set<() => void>
  /** Says what is sent, and where. What it throws is the failure of the call. */
  prepare(): Target & Outgoing<Result>
}

/** Where a call goes. */
export interface Target {
  auth: Auth
  /** Without a query. */
  url: string
  /** Whether the session goes to this origin. Other requests go out as they are, once. */
  isOurs: boolean
  /** Logs in, for a request that cannot carry a login: its answer would not say whether the server accepted it. */
  logIn: (() => Promise<unknown>) | undefined
}

/** What a call sends. */
export interface Outgoing<Result> {
  send: Send<Result>
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe?: boolean
  /** What it waits for, before all else. */
  ready?: Promise<unknown> | undefined
  /** The answer as it is meant, where that is not what it says. */
  read?: ((answer: Answer) => Answer) | undefined
  /** Whether it is sent only to log in: if there is a session, there is nothing to send. */
  isLoginOnly?: boolean
}

/** Starts one attempt, with what `auth` says in its header. */
export type Send<Result> = (
  auth: RequestAuth,
  callbacks: { success(result: Result): void; fail(error: WxError): void },
) => WxTask | undefined

interface Outcome<Result> {
  result?: Result
  answer: Answer
  failure?: Failure
}

/** One call of the app, from the first wait to the end: there is exactly one, and it comes within `deadline` ms. */
export function startCall<Result>({
  callbacks,
  deadline,
  running,
  prepare,
}: CallOptions<Result>): Call<Result> {
  let phase: Phase = 'wait'
  let attempts = 0
  let auth: Auth | undefined
  let requestAuth = NO_AUTH
  let attempt: Pick<WxTask, 'abort'> | undefined

  const { promise, isSettled, succeed, fail } = createSettlement(callbacks, cleanUp)
  const { task, follow } = createTask(() => stop('ERR_ABORTED', 'abort'))
  const timer = setTimeout(() => stop('ERR_DEADLINE', 'deadline', true), deadline)
  run().catch((error: unknown) => failWith(asFailure(error)))
  return Object.assign(promise, task)

  async function run(): Promise<void> {
    const target = prepare()
    const { isSafe = false } = target
    auth = target.auth
    if (target.isOurs) running.add(loggedOut)
    // Nothing is called back before the caller has its task.
    await target.ready

    while (!isSettled()) {
      if (target.isOurs) {
        if (!auth.current()) {
          phase = 'login'
          await (target.logIn && target.logIn())
        }
        requestAuth = await auth.acquire(target, isSettled)
      }
      // One header cannot name both the app's own user and the session: the app's goes out, and the session stays out.
      if (requestAuth.header.Authorization && headerOf(callbacks.header, 'Authorization')) {
        auth.released(requestAuth)
        requestAuth = NO_AUTH
      }
      // The call may have ended while it waited. From here to the sending nothing may come between.
      if (isSettled()) return cleanUp()
      const { url, login } = requestAuth
      if (target.isLoginOnly && !login) return succeed(undefined as unknown as Result)
      const {
        result,
        answer,
        failure = url !== undefined && readRefusal(answer),
      } = await sendOnce(target, auth)
      const stranger = await auth.settled(requestAuth, answer, failure)
      if (!failure) return stranger && target.isLoginOnly ? failWith(stranger) : succeed(result as Result)

      const step = nextStep({ failure, attempts, isSafe, login, word: loginWord(answer) })
      requestAuth = NO_AUTH
      if (step === 'fail' || (step === 'logIn' && auth.isForeign)) return failWith(failure)
      if (step !== 'logIn') await sleep(withJitter(step))
    }
  }

  async function sendOnce(
    { send, read, isLoginOnly }: Outgoing<Result>,
    auth: Auth,
  ): Promise<Outcome<Result>> {
    phase = 'request'
    attempts += 1
    let head: Head | undefined
    const outcome = await new Promise<Outcome<Result>>((resolve) => {
      attempt = send(requestAuth, {
        success(result) {
          // The answer to a transfer has no header of its own.
          const answer = Object.assign({}, head, result as unknown as Answer)
          resolve({ result, answer: read ? read(answer) : answer })
        },
        fail: (error) => resolve({ answer: { statusCode: 0 }, failure: wxFailure('ERR_NETWORK', error) }),
      })
      if (attempt) {
        follow(attempt, (received) => {
          head = received
          // The answer to a login alone is soon there, and its body may say more.
          if (!isLoginOnly) auth.answered(requestAuth, received)
        })
      }
    })
    attempt = undefined
    return outcome
  }

  function loggedOut(): void {
    stop('ERR_LOGGED_OUT', 'logged out')
  }

  function stop(code: ErrorCode, message: string, retryable = false): void {
    const failure = { code, message, retryable }
    // The login of a leader whose time is over has failed too.
    if (retryable && auth) auth.released(requestAuth, failure)
    failWith(failure)
  }

  function cleanUp(): void {
    clearTimeout(timer)
    running.delete(loggedOut)
    if (auth) auth.released(requestAuth)
    if (attempt) attempt.abort()
  }

  function failWith(failure: Failure): void {
    fail(new SessionError(Object.assign({}, failure, { phase, attempts })))
  }
}

/** What was thrown: a failure of this client; or by `wx` or by a function of the app, because of its options. */
function asFailure(error: unknown): Failure {
  const { code, message = String(error) } = Object(error)
  const unknown = { code: 'ERR_OPTIONS', message, retryable: false, cause: error } as const
  return Object.assign(unknown, /^ERR_/.test(code) && error)
}
