import type { Failure } from './errors.js'
import { isBusy, isForbidden } from './gateway.js'
import { type Refusal, wantsLogin } from './refusal.js'

/** What a call does after a refusal. */
export type NextStep =
  /** It asks for auth again, which logs in if nobody else has, and sends its request with that. */
  | { kind: 'logIn' }
  /** It sends its request again after `delay` ms. */
  | { kind: 'retry'; delay: number }
  | { kind: 'fail' }

/** The state of a call. */
export interface Tried {
  /** How often the request was sent. */
  attempts: number
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe: boolean
}

/** A refusal, and the state of the call that got it. */
export interface RefusedCall extends Tried {
  refusal: Refusal
  /** Whether it carried a login. */
  isLogin: boolean
  /** Whether the answer says that the session has ended. */
  isSessionOver: boolean
}

/** The attempts of one call, whatever the server says. */
const MAX_ATTEMPTS = 4

/** ms */
const A_SECOND = 1000
const STEP = 200
const A_MINUTE = 60_000

/** Decides what a call does after a refusal. It decides only: it sends nothing, waits for nothing, stores nothing. */
export function nextStep({ refusal, attempts, isSafe, isLogin, isSessionOver }: RefusedCall): NextStep {
  const hasFailedLogin = isLogin && failsLogin(refusal)
  const mayRepeat = wantsLogin(refusal) || (refusal.retryable && isSafe)

  if (!mayRepeat || attempts >= MAX_ATTEMPTS) return { kind: 'fail' }
  if (hasFailedLogin) return { kind: loginBlock(refusal) ? 'fail' : 'logIn' }
  if (wantsLogin(refusal) || isSessionOver) return { kind: 'logIn' }
  return { kind: 'retry', delay: refusal.retryAfter * A_SECOND || attempts * STEP }
}

/** Decides what a call does when `wx` has failed: only a gateway that is busy is asked again, with what it was asked. */
export function stepAfterFailure(failure: Failure, { attempts, isSafe }: Tried): NextStep {
  const mayRepeat = isBusy(failure) && isSafe && attempts < MAX_ATTEMPTS
  return mayRepeat ? { kind: 'retry', delay: attempts * A_SECOND } : { kind: 'fail' }
}

/** Whether a failure of a login says nothing of logins: a gateway has kept it from the server. */
export function isOfGateway(failure: Failure): boolean {
  return isBusy(failure) || isForbidden(failure)
}

/** Whether a refusal of a login means that there is no session. A conflict is found later, by a handler. */
export function failsLogin({ reason }: Refusal): boolean {
  return reason !== 'ERR_SESSION_CONFLICT'
}

/** ms for which nobody should log in after this failure of a login: the user is blocked, or it was too often. */
export function loginBlock({ statusCode, retryAfter = 0 }: Failure): number {
  return statusCode === 403 || statusCode === 429 ? retryAfter * A_SECOND || A_MINUTE : 0
}
