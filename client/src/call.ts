import type { Account, Ticket } from './auth.js'
import { type ErrorCode, type Failure, type Phase, SessionError, wxFailure } from './errors.js'
import {
  type Answer,
  type Head,
  headerOf,
  isOver,
  type Refusal,
  readRefusal,
  WANTS_LOGIN,
} from './refusal.js'
import { type Callbacks, settlement } from './settle.js'
import { stableTask } from './task.js'
import type { Call } from './types.js'
import { sleep } from './util.js'
import type { Header, WxError, WxTask } from './wx.js'

/** What is sent, and what can be told of it. */
export interface Sending<Result> {
  /** Starts one attempt, with what the ticket says in its header. */
  send(
    ticket: Ticket,
    /** `read`: what the answer means, where that is not what it says. */
    success: (result: Result, read?: (answer: Answer) => Answer) => void,
    fail: (error: WxError) => void,
  ): Pick<WxTask, 'abort'> | undefined
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe?: boolean
  /** Whether it is sent only to log in: where there is a session, there is nothing to send. */
  isBare?: boolean
  /** Logs in, for what cannot carry a login: its answer would not say whether the server accepted it. */
  logIn?: (() => Promise<unknown>) | undefined
}

/** What a call needs to know. */
export interface Plan<Result> {
  account: Account
  sending: Sending<Result>
  url: string
  /** Whether it goes to an origin that gets the session; others go out as they are, once. */
  isOurs: boolean
  /** The calls that are running: what to do with each when the user leaves. */
  running: Set<() => void>
}

type Outcome<Result> = { result: Result; answer: Answer } | { error: WxError }

/** Attempts of one call, whatever the server says. */
const MAX_ATTEMPTS = 4

/** ms */
const A_SECOND = 1000

/** s */
const A_MINUTE = 60

/**
 * One call, from its first wait to its settlement, which comes within `deadline` ms. What `plan` throws is the
 * call's failure.
 */
export function startCall<Result>(
  deadline: number,
  callbacks: Callbacks<Result> & { header?: Header | undefined },
  plan: () => Plan<Result>,
): Call<Result> {
  let phase: Phase = 'wait'
  let attempts = 0
  let attempt: Pick<WxTask, 'abort'> | undefined
  let account: Account
  let isLeading = false
  let running: Set<() => void> | undefined
  let seat = OUTSIDE

  const { promise, isSettled, succeed, fail } = settlement(callbacks, tidyUp)
  const { task, follow } = stableTask(() => stop('ERR_ABORTED', 'abort'))
  const leave = () => stop('ERR_LOGGED_OUT', 'logged out')
  const timer = setTimeout(
    () => giveUp({ code: 'ERR_DEADLINE', message: 'deadline', retryable: true }),
    deadline,
  )
  run().catch((error: unknown) => fail(errorOf(asFailure(error))))
  return Object.assign(promise, task)

  async function run(): Promise<void> {
    const here = plan()
    const { sending, url, isOurs } = here
    account = here.account
    const isAuthorized = headerOf(callbacks.header, 'Authorization')
    running = here.running
    if (isOurs) running.add(leave)
    // In the next turn: nothing is called back before the caller has its task.
    await undefined

    while (!isSettled()) {
      if (isOurs && !account.current()) {
        phase = 'login'
        await (sending.logIn && sending.logIn())
      }
      const next = isOurs ? await account.board(isSettled, url) : OUTSIDE
      // Nothing may come between this look and the sending: the call may have ended while it waited.
      if (!next) return
      seat = next
      isLeading = !!seat.login
      if (isSettled()) return tidyUp()
      if (!isLeading && sending.isBare) return succeed(undefined as unknown as Result)
      if (isLeading && sending.logIn) {
        // The session has gone again meanwhile.
        released()
        continue
      }

      // One header cannot name both: the app's own goes out, and the session stays out of it.
      if (isAuthorized && seat.header.Authorization) {
        landed()
        seat = OUTSIDE
      }
      const outcome = await attempted(sending)
      if ('error' in outcome) return giveUp(wxFailure('ERR_NETWORK', outcome.error))
      const { result, answer } = outcome
      const refusal = seat !== OUTSIDE && readRefusal(answer)
      if (!refusal) {
        // What a gateway says of a server that is away accepts no login.
        if (answer.statusCode < 500) accepted(answer)
        else released(wxFailure('ERR_NETWORK', { errMsg: `request:fail ${answer.statusCode}` }))
        return succeed(result)
      }
      if (!(await isWorthAnotherTry(refusal, answer, sending))) return fail(errorOf(refusal))
    }
  }

  async function attempted({ send }: Sending<Result>): Promise<Outcome<Result>> {
    phase = 'request'
    attempts += 1
    let head: Head | undefined
    const outcome = await new Promise<Outcome<Result>>((resolve) => {
      attempt = send(
        seat,
        (result, read = (answer) => answer) => {
          // The answer to a transfer has no header of its own.
          resolve({ result, answer: read(Object.assign({}, head, result as unknown as Answer)) })
        },
        (error) => resolve({ error }),
      )
      if (attempt) {
        follow(attempt, (received) => {
          head = received
          landed(received)
        })
      }
    })
    attempt = undefined
    landed((outcome as { answer?: Answer }).answer)
    return outcome
  }

  /** Fails, and tells the next to lead that this one could not. */
  function giveUp(failure: Failure): void {
    released(failure)
    fail(errorOf(failure))
  }

  /** Does what each refusal asks for, and says whether the call may go round once more. */
  async function isWorthAnotherTry(
    refusal: Refusal,
    answer: Answer,
    { isSafe }: Sending<Result>,
  ): Promise<boolean> {
    const { reason, statusCode, retryable, retryAfter } = refusal
    const wantsLogin = WANTS_LOGIN.test(reason)
    // Of the others a handler may have run: only what is safe is sent again.
    const isWorthIt = attempts < MAX_ATTEMPTS && (wantsLogin || (retryable && !!isSafe))
    if (isLeading && reason !== 'ERR_SESSION_CONFLICT') {
      const isHopeless = statusCode === 403 || statusCode === 429
      released(refusal, isHopeless ? (retryAfter || A_MINUTE) * A_SECOND : 0)
      return isWorthIt && !isHopeless
    }
    const isEnd = isOver(answer)
    // A conflict comes after the login: the session is there, or was, when a handler has seen it end.
    if (isEnd) released()
    else accepted(answer)
    if (wantsLogin || isEnd) await account.expired(seat)
    else if (isWorthIt) await sleep((retryAfter || attempts * 0.2) * A_SECOND * (1 + Math.random()))
    return isWorthIt
  }

  function accepted(answer: Answer): void {
    if (handsOver()) account.accepted(seat, answer)
  }

  function released(failure?: Failure, ms?: number): void {
    if (handsOver()) account.released(failure, ms)
  }

  function landed(head?: Head): void {
    if (account) account.answered(seat, head)
  }

  /** Whether this call has the lead: until now. */
  function handsOver(): boolean {
    const hadLead = isLeading
    isLeading = false
    return hadLead
  }

  function tidyUp(): void {
    clearTimeout(timer)
    if (running) running.delete(leave)
    landed()
    released()
    if (attempt) attempt.abort()
  }

  function stop(code: ErrorCode, message: string): void {
    fail(errorOf({ code, message, retryable: false }))
  }

  function errorOf(failure: Failure): SessionError {
    return new SessionError(Object.assign({}, failure, { phase, attempts }))
  }
}

/** For what goes without the session. */
const OUTSIDE: Ticket = { header: {} }

/** What was thrown: a failure of ours, or what `wx` or a function of the app has against its options. */
function asFailure(error: unknown): Failure {
  const { code, message = String(error) } = Object(error)
  const unknown = { code: 'ERR_OPTIONS', message, retryable: false, cause: error } as const
  return Object.assign(unknown, /^ERR_/.test(code) && error)
}
