import type { Reason } from '../../src/protocol.js'

/** What went wrong. Stable: branch on it, or on `reason`. */
export type ErrorCode =
  /** The call was aborted. */
  | 'ERR_ABORTED'
  /** The call's deadline passed. */
  | 'ERR_DEADLINE'
  /** `wx.login` failed, hung, or gave no code. */
  | 'ERR_LOGIN'
  /** `wx` could not send the request, or got no answer. */
  | 'ERR_NETWORK'
  /** The server refused the session or the login: see `reason`. */
  | 'ERR_REFUSED'
  /** The user has logged out since the call was made. */
  | 'ERR_LOGGED_OUT'
  /** The options make no sense. */
  | 'ERR_OPTIONS'

/** Where a call was when it failed. */
export type Phase = 'wait' | 'login' | 'request'

export interface SessionErrorFields {
  code: ErrorCode
  message: string
  phase: Phase
  /** How often the request was sent. */
  attempts: number
  /** Whether the same call may succeed later. */
  retryable: boolean
  /** Why the server refused. */
  reason?: Reason | undefined
  /** HTTP status of the refusal. */
  statusCode?: number | undefined
  /** What `wx` said. */
  errMsg?: string | undefined
  errno?: number | undefined
  cause?: unknown
}

const BRAND = 'weapp-session-client:error'

/** Every error of this client. */
export class SessionError extends Error {
  readonly code: ErrorCode
  readonly phase: Phase
  readonly attempts: number
  readonly retryable: boolean
  readonly reason: Reason | undefined
  readonly statusCode: number | undefined
  /** As in the errors of `wx`, so that a `fail` written for `wx.request` finds what it looks for. */
  readonly errMsg: string
  readonly errno: number | undefined
  readonly cause: unknown

  constructor(fields: SessionErrorFields) {
    super(fields.message)
    this.name = 'SessionError'
    this.code = fields.code
    this.phase = fields.phase
    this.attempts = fields.attempts
    this.retryable = fields.retryable
    this.reason = fields.reason
    this.statusCode = fields.statusCode
    this.errMsg = fields.errMsg ?? `request:fail ${fields.message}`
    this.errno = fields.errno
    this.cause = fields.cause
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/** Whether an error is one of this client: also of another copy of it, which `instanceof` would not know. */
export function isSessionError(error: unknown): error is SessionError {
  return typeof error === 'object' && error !== null && BRAND in error
}
