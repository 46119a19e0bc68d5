import type { Account, LoginFailure, Ticket } from './account.js'
import { isSessionError, type Phase, SessionError } from './errors.js'
import { type Answer, type Refusal, readRefusal } from './refusal.js'
import { type Callbacks, settlement } from './settlement.js'
import { stableTask } from './task.js'
import type { Call } from './types.js'
import { sleep } from './util.js'
import type { WxError, WxTask } from './wx.js'

/** What is sent, and what can be told of it. */
export interface Sending<Result> {
  /** Starts one attempt, with what the ticket says in its header. */
  send(ticket: Ticket, success: (result: Result) => void, fail: (error: WxError) => void): WxTask | undefined
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe: boolean
  /** Whether it can carry a login: its answer must say whether the server accepted it. */
  canLead: boolean
  /** Whether its answer has no more than a status: then 401 is taken for an expired session, once. */
  isTerse: boolean
}

/** What a call needs to know. */
export interface Plan<Result> {
  account: Account
  /** What to send; nothing, for a call that only wants a session. */
  sending: Sending<Result> | undefined
  /** A request for nothing, which carries the login of a call that cannot. */
  bare: Sending<Answer>
  /** Whether it goes to an origin that gets the session; others go out as they are, once. */
  isOurs: boolean
  /** The calls that are running: what to do with each when the user leaves. */
  running: Set<() => void>
}

type Outcome<Result> = { result: Result } | { error: WxError }

/** Attempts of one call, whatever the server says. */
const MAX_ATTEMPTS = 4

/** ms */
const A_SECOND = 1000
const A_MINUTE = 60_000

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
  let rounds = 0
  let attempt: WxTask | undefined
  let hasGuessed = false
  /** Set while this call has the lead. */
  let leading: Account | undefined
  let forget = () => {}

  const { promise, isSettled, succeed, fail } = settlement(callbacks, tidyUp)
  const { task, follow } = stableTask(() => fail(errorOf(ABORTED)))
  const timer = setTimeout(timeIsUp, deadline)
  run().catch((error: unknown) => fail(isSessionError(error) ? error : errorOf(mistake(error))))
  return Object.assign(promise, task)

  async function run(): Promise<void> {
    const { account, sending, bare, isOurs, running } = plan()
    const leave = () => fail(errorOf(LOGGED_OUT))
    running.add(leave)
    forget = () => running.delete(leave)
    // In the next turn: nothing is called back before the caller has its task.
    await undefined

    while (!isSettled()) {
      const ticket = isOurs ? await board(account) : OUTSIDER
      if (!ticket) return
      if (!leading && !sending) return succeed(undefined as unknown as Result)

      const isBare = !sending || (leading !== undefined && !sending.canLead)
      const used: Sending<Result | Answer> = isBare ? bare : sending
      const outcome = await attempted(used, ticket, isBare)
      if ('error' in outcome) return networkFailed(outcome.error)

      const refusal = isOurs ? refusalIn(outcome.result, used) : undefined
      if (refusal) {
        const isOver = !(await isWorthAnotherTry(account, refusal, ticket, used.isSafe))
        if (isOver) return fail(errorOf(failureFrom(refusal)))
      } else {
        handOver((account) => account.accepted())
        if (!isBare) return succeed(outcome.result as Result)
      }
    }
  }

  /** A session or the lead; `undefined` when the call has ended meanwhile, or ends because there is neither. */
  async function board(account: Account): Promise<Ticket | undefined> {
    try {
      if (!account.isLoggedIn()) phase = 'login'
      const ticket = await account.board(isSettled)
      const isLead = ticket !== undefined && ticket.generation === undefined
      if (isLead) leading = account
      if (!isSettled()) return ticket
      handOver((account) => account.released())
    } catch (failure) {
      fail(errorOf(failure as LoginFailure))
    }
    return undefined
  }

  async function attempted<R>(used: Sending<R>, ticket: Ticket, isBare: boolean): Promise<Outcome<R>> {
    phase = isBare ? 'login' : 'request'
    rounds += 1
    if (!isBare) attempts += 1
    const outcome = await new Promise<Outcome<R>>((resolve) => {
      try {
        attempt = used.send(
          ticket,
          (result) => resolve({ result }),
          (error) => resolve({ error }),
        )
        if (attempt && !isBare) follow(attempt)
      } catch (error) {
        resolve({ error: { errMsg: String(error) } })
      }
    })
    attempt = undefined
    return outcome
  }

  function networkFailed({ errMsg = 'request:fail', errno }: WxError): void {
    const failure: LoginFailure = { code: 'ERR_NETWORK', message: errMsg, errMsg, errno, retryable: true }
    handOver((account) => account.released(failure))
    fail(errorOf(failure))
  }

  function refusalIn(result: unknown, { isTerse }: { isTerse: boolean }): Refusal | undefined {
    const answer = result as Answer
    const refusal = readRefusal(answer)
    if (refusal || !isTerse || hasGuessed || answer.statusCode !== 401) return refusal
    hasGuessed = true
    return { reason: 'ERR_SESSION_EXPIRED', statusCode: 401, retryAfter: undefined, message: undefined }
  }

  /** Does what each refusal asks for, and says whether the call may go round once more. */
  async function isWorthAnotherTry(
    account: Account,
    refusal: Refusal,
    { generation }: Ticket,
    isSafe: boolean,
  ): Promise<boolean> {
    const { reason, retryAfter } = refusal
    const isLast = rounds >= MAX_ATTEMPTS
    if (leading && reason !== 'ERR_SESSION_CONFLICT') return refusedLogin(refusal, isSafe) && !isLast
    // A conflict comes after the login: the session is there.
    handOver((account) => account.accepted())

    switch (reason) {
      case 'ERR_SESSION_EXPIRED':
      case 'ERR_LOGIN_REQUIRED':
      case 'ERR_SESSION_KEY_EXCHANGE_FAILED':
        if (generation !== undefined) account.expired(generation)
        return !isLast
      case 'ERR_SESSION_CONFLICT':
      case 'ERR_STORE_UNAVAILABLE':
        // A handler may have run: only what is safe is sent again.
        if (!isSafe || isLast) return false
        await sleep((retryAfter || rounds * 0.2) * A_SECOND * (1 + Math.random()))
        return true
      default:
        return false
    }
  }

  function refusedLogin(refusal: Refusal, isSafe: boolean): boolean {
    const { reason, statusCode, retryAfter } = refusal
    const failure = failureFrom(refusal)
    const isExchange = reason === 'ERR_SESSION_KEY_EXCHANGE_FAILED'
    if (isExchange && (statusCode === 403 || statusCode === 429)) {
      handOver((account) => account.blocked(failure, retryAfter ? retryAfter * A_SECOND : A_MINUTE))
      return false
    }
    handOver((account) => account.released(failure))
    if (reason === 'ERR_STORE_UNAVAILABLE') return isSafe
    return isExchange || reason === 'ERR_SESSION_EXPIRED' || reason === 'ERR_LOGIN_REQUIRED'
  }

  /** Ends the lead, if this call has it. */
  function handOver(how: (account: Account) => void): void {
    const account = leading
    leading = undefined
    if (account) how(account)
  }

  function timeIsUp(): void {
    const failure: LoginFailure = {
      code: 'ERR_DEADLINE',
      message: `no end within ${deadline} ms`,
      retryable: true,
    }
    handOver((account) => account.released(failure))
    fail(errorOf(failure))
  }

  function tidyUp(): void {
    clearTimeout(timer)
    forget()
    handOver((account) => account.released())
    const unfinished = attempt
    attempt = undefined
    if (unfinished) unfinished.abort()
  }

  function errorOf(failure: LoginFailure): SessionError {
    return new SessionError({ ...failure, phase, attempts })
  }
}

const ABORTED: LoginFailure = {
  code: 'ERR_ABORTED',
  message: 'abort',
  errMsg: 'request:fail abort',
  retryable: false,
}
const LOGGED_OUT: LoginFailure = {
  code: 'ERR_LOGGED_OUT',
  message: 'the user has logged out',
  retryable: false,
}

const RETRYABLE = [
  'ERR_STORE_UNAVAILABLE',
  'ERR_SESSION_CONFLICT',
  'ERR_SESSION_EXPIRED',
  'ERR_LOGIN_REQUIRED',
]

function failureFrom({ reason, statusCode, message }: Refusal): LoginFailure {
  const isExchange = reason === 'ERR_SESSION_KEY_EXCHANGE_FAILED'
  const retryable = isExchange ? statusCode !== 403 : RETRYABLE.indexOf(reason) >= 0
  return { code: 'ERR_REFUSED', reason, statusCode, message: `${reason}: ${message || 'refused'}`, retryable }
}

function mistake(error: unknown): LoginFailure {
  return { code: 'ERR_OPTIONS', message: String(error), retryable: false, cause: error }
}
