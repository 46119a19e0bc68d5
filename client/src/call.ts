import { type Answer, type Head, headerOf, requiresLogin } from './answer.js'
import type { Auth } from './auth.js'
import { withJitter } from './backoff.js'
import { type ErrorCode, type Failure, type Phase, SessionError, wxFailure } from './errors.js'
import { readRefusal } from './refusal.js'
import { NO_AUTH, type RequestAuth } from './request-auth.js'
import { nextStep, stepAfterFailure } from './retry.js'
import { type Callbacks, createSettlement } from './settle.js'
import { createTask } from './task.js'
import type { Call } from './types.js'
import { sleep } from './util.js'
import type { Header, WxError, WxTask } from './wx.js'
import { isYoung } from './wx-login.js'

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
  /** Whether it is sent only to log in: if there is a session, there is nothing to send. */
  isLoginOnly?: boolean
}

/** Starts one attempt, with what `auth` says in its header. */
export type Send<Result> = (
  auth: RequestAuth,
  callbacks: {
    /** `read`: the answer as it is meant, where that is not what it says. */
    success(result: Result, read?: (answer: Answer) => Answer): void
    fail(error: WxError): void
  },
) => WxTask | undefined

type Outcome<Result> =
  | { kind: 'answered'; result: Result; answer: Answer }
  | { kind: 'failed'; error: WxError }

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
  const timer = setTimeout(
    () => giveUp({ code: 'ERR_DEADLINE', message: 'deadline', retryable: true }),
    deadline,
  )
  run().catch((error: unknown) => fail(errorOf(asFailure(error))))
  return Object.assign(promise, task)

  async function run(): Promise<void> {
    const target = prepare()
    const { isSafe = false } = target
    auth = target.auth
    if (target.isOurs) running.add(loggedOut)
    // Nothing is called back before the caller has its task.
    await target.ready

    while (!isSettled()) {
      // A login that a gateway has kept from the server is still to be offered.
      if (target.isOurs && requestAuth.kind !== 'login') await authorize(target)
      // The call may have ended while it waited. From here to the sending nothing may come between.
      if (isSettled()) return cleanUp()
      const { kind } = requestAuth
      if (kind === 'session' && target.isLoginOnly) return succeed(undefined as unknown as Result)
      if (kind === 'login' && target.logIn) {
        // The session has ended since the login of this call.
        giveBack()
        continue
      }

      const outcome = await sendOnce(target, auth)
      if (outcome.kind === 'failed') {
        const failure = wxFailure('ERR_NETWORK', outcome.error)
        const step = stepAfterFailure(failure, { attempts, isSafe })
        if (step.kind !== 'retry') return giveUp(failure)
        auth.answered(requestAuth)
        await sleep(withJitter(step.delay))
        if (requestAuth.kind === 'login' && !isYoung(requestAuth.login)) giveBack()
        continue
      }

      const { result, answer } = outcome
      auth.answered(requestAuth, answer)
      const refusal = kind !== 'none' && readRefusal(answer)
      if (!refusal) {
        const failure = auth.concluded(requestAuth, answer)
        return failure && target.isLoginOnly ? fail(errorOf(failure)) : succeed(result)
      }

      const isSessionOver = requiresLogin(answer)
      const step = nextStep({ refusal, attempts, isSafe, isLogin: kind === 'login', isSessionOver })
      await auth.refused(requestAuth, refusal, answer)
      requestAuth = NO_AUTH
      if (step.kind === 'fail' || (step.kind === 'logIn' && auth.isForeign)) return fail(errorOf(refusal))
      if (step.kind === 'retry') await sleep(withJitter(step.delay))
    }
  }

  /** Lets another call log in. */
  function giveBack(): void {
    if (auth) auth.released(requestAuth)
    requestAuth = NO_AUTH
  }

  async function authorize({ auth, url, logIn, isLoginOnly }: Target & Outgoing<Result>): Promise<void> {
    if (!auth.hasSession()) {
      phase = 'login'
      await (logIn && logIn())
    }
    requestAuth = await auth.acquire({ url, isLoginOnly, isOver: isSettled })
    // One header cannot name both the app's own user and the session: the app's goes out, and the session stays out.
    if (requestAuth.header.Authorization && headerOf(callbacks.header, 'Authorization')) {
      auth.answered(requestAuth)
      requestAuth = NO_AUTH
    }
  }

  async function sendOnce({ send, isLoginOnly }: Outgoing<Result>, auth: Auth): Promise<Outcome<Result>> {
    phase = 'request'
    attempts += 1
    let head: Head | undefined
    const outcome = await new Promise<Outcome<Result>>((resolve) => {
      attempt = send(requestAuth, {
        success(result, read = (answer) => answer) {
          // The answer to a transfer has no header of its own.
          const answer = read(Object.assign({}, head, result as unknown as Answer))
          resolve({ kind: 'answered', result, answer })
        },
        fail: (error) => resolve({ kind: 'failed', error }),
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

  /** Ends the call. If it is the leader, its login has failed too. */
  function giveUp(failure: Failure): void {
    if (auth) auth.released(requestAuth, failure)
    fail(errorOf(failure))
  }

  function loggedOut(): void {
    stop('ERR_LOGGED_OUT', 'logged out')
  }

  function stop(code: ErrorCode, message: string): void {
    fail(errorOf({ code, message, retryable: false }))
  }

  function cleanUp(): void {
    clearTimeout(timer)
    running.delete(loggedOut)
    if (auth) {
      auth.answered(requestAuth)
      auth.released(requestAuth)
    }
    if (attempt) attempt.abort()
  }

  function errorOf(failure: Failure): SessionError {
    return new SessionError(Object.assign({}, failure, { phase, attempts }))
  }
}

/** What was thrown: a failure of this client; or by `wx` or by a function of the app, because of its options. */
function asFailure(error: unknown): Failure {
  const { code, message = String(error) } = Object(error)
  const unknown = { code: 'ERR_OPTIONS', message, retryable: false, cause: error } as const
  return Object.assign(unknown, /^ERR_/.test(code) && error)
}
