import { LOGIN_ACCEPTED, LOGIN_REQUIRED } from '../../src/protocol.js'
import type { Failure } from './errors.js'
import { leavesOut, wantsLogin } from './refusal.js'
import { A_MINUTE } from './util.js'
import type { LoginData } from './wx-login.js'

/**
 * What a call does after a failure: it fails; or it asks for auth again, which logs in if nobody else has, and sends its
 * request with that; or it sends its request without a session; or it sends its request again after so many ms.
 */
export type NextStep = 'fail' | 'logIn' | 'goWithout' | number

/** A failure, and the state of the call that met it. */
export interface FailedCall {
  /** A refusal of the server, or what `wx` said. */
  failure: Failure
  /** How often the request was sent. */
  attempts: number
  /** Whether it may be sent again although a handler may have seen it. */
  isSafe: boolean
  /** The login that it carried. */
  login?: Pick<LoginData, 'data'> | undefined
  /** What the answer says of the login. */
  word: string
  /** Whether it may go out without a session. */
  isOptional?: boolean | undefined
  /** How often it may be sent again where the network has failed. */
  retries?: number | undefined
}

/** The attempts of one call, whatever the server says. */
const MAX_ATTEMPTS = 4

/** ms */
const A_SECOND = 1000
const STEP = 200

/** Methods that may be repeated: doing them twice is doing them once (RFC 9110, 9.2.2). */
const REPEATABLE = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/i

export function isRepeatable(method: string): boolean {
  return REPEATABLE.test(method)
}

/** Decides what a call does after a failure. It decides only: it sends nothing, waits for nothing, stores nothing. */
export function nextStep({
  failure,
  attempts,
  isSafe,
  login,
  word,
  isOptional,
  retries = 0,
}: FailedCall): NextStep {
  // Where neither the server nor the gateway has refused, the network has failed: the request may have been carried out.
  const isPassing = failure.retryable && (failure.retryAfter !== undefined || attempts <= retries)
  // Where the login was accepted, a handler has refused, and has begun.
  const refused = word !== LOGIN_ACCEPTED && login
  // The next login goes without the profile that was refused.
  const mayLogIn =
    wantsLogin(failure) || (refused && refused.data.rawData && /UNTRUSTED/.test(`${failure.reason}`))

  const end = isOptional && refused && leavesOut(failure) ? 'goWithout' : 'fail'
  if (!(mayLogIn || (isPassing && isSafe)) || attempts >= MAX_ATTEMPTS) return end
  if (refused && loginBlock(failure)) return end
  if (mayLogIn || word === LOGIN_REQUIRED) return 'logIn'
  return (failure.retryAfter as number) * A_SECOND || attempts * STEP
}

/** Whether a failure of a login means that there is no session. A conflict is found later, by a handler. */
export function failsLogin({ reason }: Failure): boolean {
  return reason !== 'ERR_SESSION_CONFLICT'
}

/** ms for which nobody should log in after this failure of a login: the user is blocked, or it was too often. */
export function loginBlock({ statusCode, retryAfter }: Failure): number {
  return statusCode === 403 || statusCode === 429 ? (retryAfter as number) * A_SECOND || A_MINUTE : 0
}
