import type { Account, Ticket } from './account.js'
import { type ErrorCode, type Failure, type Phase, SessionError, wxFailure } from './errors.js'
import { type Answer, type Refusal, readRefusal } from './refusal.js'
import { type Callbacks, settlement } from './settlement.js'
import { stableTask } from './task.js'
import type { Call } from './types.js'
import { sleep } from './util.js'
import type { WxError, WxTask } from './wx.js'

/** What is sent, and what can be told of it. */
export interface Sending<Result> {
  /** Starts one attempt, with what the ticket says in its header. */
  send(
    ticket: Ticket,
    /** `answer`: what is known of it beside the result. */
    success: (result: Result, answer?: Answer) => void,
    fail: (error: WxError) => void,
  ): Pick<WxTask, 'abort'> | undefined
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe?: boolean
  /** Whether it is sent only to log in: where there is a session, there is nothing to send. */
  isBare?: boolean
  /** Logs in, for what cannot carry a login: its answer would not say whether the server accepted it. */
  logIn?(): Promise<unknown>
}

/** What a call needs to know. */
export interface Plan<Result> {
  account: Account
  sending: Sending<Result>
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

/** For what goes elsewhere. */
const OUTSIDER: Ticket = { header: {}, generation: undefined }

/**
 * One call, from its first wait to its settlement, which comes within `deadline` ms. What `plan` throws is the
 * call's failure.
 */
export function startCall<Result>(
  deadline: number,
  callbacks: Callbacks<Result>,
  plan: () => Plan<Result>,
): Call<Result> {
  let phase: Phase = 'wait'
  let attempts = 0
  let attempt: Pick<WxTask, 'abort'> | undefined
  /** Set while this call has the lead. */
  let leading: Account | undefined
  let forget = () => {}

  const { promise, isSettled, succeed, fail } = settlement(callbacks, tidyUp)
  const { task, follow } = stableTask(() => stop('ERR_ABORTED', 'abort'))
  const timer = setTimeout(
    () => giveUp({ code: 'ERR_DEADLINE', message: 'deadline', retryable: true }),
    deadline,
  )
  run().catch((error: unknown) => fail(errorOf(asFailure(error))))
  return Object.assign(promise, task)

  async function run(): Promise<void> {
    const { account, sending, isOurs, running } = plan()
    const leave = () => stop('ERR_LOGGED_OUT', 'logged out')
    if (isOurs) running.add(leave)
    forget = () => running.delete(leave)
    // In the next turn: nothing is called back before the caller has its task.
    await undefined

    while (!isSettled()) {
      if (isOurs && !account.isLoggedIn()) {
        phase = 'login'
        if (sending.logIn) await sending.logIn()
      }
      const ticket = isOurs ? await account.board(isSettled) : OUTSIDER
      if (isOurs && ticket && ticket.generation === undefined) leading = account
      // Nothing may come between this look and the sending: the call may have ended while it waited.
      if (!ticket || isSettled()) return handOver((account) => account.released())
      if (!leading && sending.isBare) return succeed(undefined as unknown as Result)
      if (leading && sending.logIn) {
        // The session has gone again meanwhile.
        handOver((account) => account.released())
        continue
      }

      const outcome = await attempted(sending, ticket)
      if ('error' in outcome) return giveUp(wxFailure('ERR_NETWORK', outcome.error))
      const { result, answer } = outcome
      const refusal = isOurs && readRefusal(answer)
      if (!refusal) {
        // What a gateway says of a server that is away accepts no login.
        handOver((account) => {
          if (answer.statusCode < 500) account.accepted()
          else account.released(wxFailure('ERR_NETWORK', { errMsg: `request:fail ${answer.statusCode}` }))
        })
        return succeed(result)
      }
      if (!(await isWorthAnotherTry(account, refusal, ticket, sending.isSafe))) {
        return fail(errorOf(failureFrom(refusal)))
      }
    }
  }

  async function attempted({ send }: Sending<Result>, ticket: Ticket): Promise<Outcome<Result>> {
    phase = 'request'
    attempts += 1
    const outcome = await new Promise<Outcome<Result>>((resolve) => {
      attempt = send(
        ticket,
        (result, answer = result as unknown as Answer) => resolve({ result, answer }),
        (error) => resolve({ error }),
      )
      if (attempt) follow(attempt)
    })
    attempt = undefined
    return outcome
  }

  /** Fails, and tells the next to lead that this one could not. */
  function giveUp(failure: Failure): void {
    handOver((account) => account.released(failure))
    fail(errorOf(failure))
  }

  /** Does what each refusal asks for, and says whether the call may go round once more. */
  async function isWorthAnotherTry(
    account: Account,
    refusal: Refusal,
    { generation }: Ticket,
    isSafe: boolean | undefined,
  ): Promise<boolean> {
    const { reason, retryAfter } = refusal
    const isLast = attempts >= MAX_ATTEMPTS
    if (leading && reason !== 'ERR_SESSION_CONFLICT') return refusedLogin(refusal, isSafe) && !isLast
    // A conflict comes after the login: the session is there.
    handOver((account) => account.accepted())

    if (WANTS_LOGIN.test(reason)) {
      if (generation !== undefined) account.expired(generation)
      return !isLast
    }
    // Of the others a handler may have run: only what is safe is sent again.
    if (!WANTS_TIME.test(reason) || !isSafe || isLast) return false
    await sleep((retryAfter || attempts * 0.2) * A_SECOND * (1 + Math.random()))
    return true
  }

  function refusedLogin(refusal: Refusal, isSafe = false): boolean {
    const { reason, statusCode, retryAfter } = refusal
    const failure = failureFrom(refusal)
    const isHopeless = statusCode === 403 || statusCode === 429
    handOver((account) => {
      if (isHopeless) account.blocked(failure, (retryAfter || A_MINUTE) * A_SECOND)
      else account.released(failure)
    })
    return !isHopeless && (WANTS_LOGIN.test(reason) || (WANTS_TIME.test(reason) && isSafe))
  }

  /** Ends the lead, if this call has it. */
  function handOver(how: (account: Account) => void): void {
    const account = leading
    leading = undefined
    if (account) how(account)
  }

  function tidyUp(): void {
    clearTimeout(timer)
    forget()
    handOver((account) => account.released())
    const unfinished = attempt
    attempt = undefined
    if (unfinished) unfinished.abort()
  }

  function stop(code: ErrorCode, message: string): void {
    fail(errorOf({ code, message, retryable: false }))
  }

  function errorOf(failure: Failure): SessionError {
    return new SessionError(Object.assign({}, failure, { phase, attempts }))
  }
}

/** What each refusal asks for. */
const WANTS_LOGIN = /^ERR_(SESSION_EXPIRED|LOGIN_REQUIRED|SESSION_KEY_EXCHANGE_FAILED)$/
const WANTS_TIME = /^ERR_(SESSION_CONFLICT|STORE_UNAVAILABLE)$/

function failureFrom({ reason, statusCode }: Refusal): Failure {
  const retryable = statusCode !== 403 && (WANTS_LOGIN.test(reason) || WANTS_TIME.test(reason))
  return { code: 'ERR_REFUSED', message: reason, reason, statusCode, retryable }
}

/** What was thrown: a failure of ours, or what `wx` or a function of the app has against its options. */
function asFailure(error: unknown): Failure {
  const { code, message = String(error) } = Object(error)
  const unknown = { code: 'ERR_OPTIONS', message, retryable: false, cause: error } as const
  return Object.assign(unknown, /^ERR_/.test(code) && error)
}
