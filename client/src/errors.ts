import type { Reason } from '../../src/protocol.js'
import { isObject } from './util.js'
import type { WxError, WxResponse } from './wx.js'

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
  /** With `ok: 'throw'` of `weapp-session-client/http`: the status is not 2xx. See `response`. */
  | 'ERR_STATUS'
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
  /** Of the request, such as `GET`. */
  method?: string | undefined
  /** Where it went, without its query. */
  url?: string | undefined
  /** Why the server refused. */
  reason?: Reason | undefined
  /** HTTP status of the refusal. */
  status?: number | undefined
  /** The same, under the name that `wx.request` has for it. */
  statusCode?: number | undefined
  /** What WeChat has told the server, such as 40029. */
  errcode?: number | undefined
  /** The server's own words. */
  serverMessage?: string | undefined
  /** Seconds that the server asks to wait, or 0 when it does not; of refusals, and of WeChat's gateway when it is busy. */
  retryAfter?: number | undefined
  /** What `wx` said, or what it would say: `uploadFile:fail abort`. */
  errMsg: string
  errno?: number | undefined
  /** What WeChat's gateway and `wx.cloud` say in place of `errno`. */
  errCode?: number | undefined
  /** Of `ERR_STATUS`: the answer. */
  response?: WxResponse | undefined
  /** What `wx` gave to `fail`; of a deadline, the last refusal, if there was one. */
  cause?: unknown
}

const BRAND = 'weapp-session-client:error'

/** Every error of this client. */
export class SessionError extends Error {
  declare readonly code: ErrorCode
  declare readonly phase: Phase
  declare readonly attempts: number
  declare readonly retryable: boolean
  declare readonly method: string | undefined
  declare readonly url: string | undefined
  declare readonly reason: Reason | undefined
  declare readonly status: number | undefined
  declare readonly statusCode: number | undefined
  declare readonly errcode: number | undefined
  declare readonly serverMessage: string | undefined
  declare readonly retryAfter: number | undefined
  /** As in the errors of `wx`, so that a `fail` written for `wx.request` finds what it looks for. */
  declare readonly errMsg: string
  declare readonly errno: number | undefined
  declare readonly errCode: number | undefined
  declare readonly response: WxResponse | undefined
  declare readonly cause: unknown

  constructor(fields: SessionErrorFields) {
    super(fields.message)
    // The brand tells this error to another copy of this module.
    Object.assign(this, { name: 'SessionError', [BRAND]: true }, fields)
  }
}

/** Whether an error is one of this client: also of another copy of it, which `instanceof` would not know. */
export function isSessionError(error: unknown): error is SessionError {
  return isObject(error) && BRAND in error
}

/** What went wrong. The call adds its phase and its attempts. */
export type Failure = Omit<SessionErrorFields, 'phase' | 'attempts' | 'errMsg'> & { errMsg?: string }

/**
 * What WeChat's own gateway says when it has kept a request from the server: it is busy (102003, 102020, 102021), or
 * that is not allowed (102006, 102016, 102022) (developers.weixin.qq.com, 微信网关: 错误码).
 */
const GATEWAY = /^1020(?:(03|2[01])|06|16|22)$/

/** What `wx` said when it failed. */
export function wxFailure(code: ErrorCode, error: unknown): Failure {
  const { message = code, errMsg = message, errno, errCode } = Object(error) as WxError
  const [isOfGateway, isBusy] = GATEWAY.exec(`${errCode}`) || []
  const retryable = !isOfGateway || !!isBusy
  const retryAfter = isBusy ? 1 : undefined
  return { code, message: errMsg, errMsg, errno, errCode, retryable, retryAfter, cause: error }
}

/** A mistake in the app's options, which only its author can correct. */
export function optionError(message: string): TypeError & Pick<Failure, 'code' | 'retryable'> {
  return Object.assign(new TypeError(message), {
    code: 'ERR_OPTIONS',
    retryable: false,
    [BRAND]: true,
  } as const)
}
