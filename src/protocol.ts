/**
 * The wire contract between the server and the mini program.
 * The server and the client import this file: it imports nothing and runs anywhere.
 */

/** The header names of one family: `Weapp-…`, or the `X-WX-…` of 2016. */
export interface HeaderNames {
  /** Request: the one-time code from `wx.login()`. In the code carrier it is also the session's credential. */
  readonly code: string
  /** Login request: `encodeURIComponent(rawData)` from `wx.getUserInfo()`. */
  readonly rawData: string
  /** Login request: the `signature` of the same `wx.getUserInfo()` call. */
  readonly signature: string
  /** Login request, optional: the `encryptedData` and the `iv` of the same call. */
  readonly encryptedData: string
  readonly iv: string
  /**
   * Login request without a profile: `code`, for the code is to be exchanged. Answer: `accepted`, to each accepted
   * login; `required`, where the next request has to log in.
   */
  readonly login: string
  /** Request and answer: the credential that the server issued, in the header carrier. */
  readonly session: string
  /** Answer: the token that the server issued, in the jwt carrier. Requests carry it as `Authorization: Bearer`. */
  readonly token: string
  /** Request: which mini program this is, for servers that have several. */
  readonly appId: string
  /** Answer: the reason of a refusal, for answers whose body nobody reads (downloads, ArrayBuffers). */
  readonly error: string
}

/** The prefix of the names that this project speaks. */
export const PREFIX = 'Weapp-'

/**
 * The prefix of 2016. WeChat's gateway and 云托管 drop request headers whose names begin with it
 * (developers.weixin.qq.com, 微信网关: 接入网关后的请求差异).
 */
export const PREFIX_2016 = 'X-WX-'

export function headerNames(prefix: string): HeaderNames {
  return {
    code: `${prefix}Code`,
    rawData: `${prefix}RawData`,
    signature: `${prefix}Signature`,
    encryptedData: `${prefix}Encrypted-Data`,
    iv: `${prefix}IV`,
    login: `${prefix}Login`,
    session: `${prefix}Session`,
    token: `${prefix}Token`,
    appId: `${prefix}AppId`,
    error: `${prefix}Session-Error`,
  }
}

/** The only value of the login header of a request. */
export const CODE_LOGIN = 'code'

/** The login header of an answer: the login was accepted; the next request has to log in. */
export const LOGIN_ACCEPTED = 'accepted'
export const LOGIN_REQUIRED = 'required'

/** The key that marks a refusal's body, as the original weapp-session has it (2016). */
export const MAGIC_ID = 'F2C224D4-2BCE-4C64-AF9F-A6D872000D1A'

/** Why a request is refused, with the HTTP status it is refused with where nothing more special applies. */
export const STATUS_BY_REASON = {
  /** The session is unknown, expired, revoked or logged out: log in again. */
  ERR_SESSION_EXPIRED: 401,
  /** A user is required and the request has no credential: log in. */
  ERR_LOGIN_REQUIRED: 401,
  /** The data is not what WeChat signed or encrypted (400 when it is malformed, or a handler has begun): stop. */
  ERR_UNTRUSTED_RAW_DATA: 401,
  /** WeChat did not exchange the code (401, 403, 429, 502 or 504 by cause): a new code, with back-off. */
  ERR_SESSION_KEY_EXCHANGE_FAILED: 401,
  /** A credential of impossible shape (415 or 403 at the login path, for what is no JSON or of another site): stop. */
  ERR_BAD_REQUEST: 400,
  /** A handler had begun, and the session has changed or ended meanwhile: replay what is safe, and nothing else. */
  ERR_SESSION_CONFLICT: 409,
  /** The store did not answer in time: keep the session, retry later. */
  ERR_STORE_UNAVAILABLE: 503,
} as const

/** Why a request was refused. Stable: clients decide by it. */
export type Reason = keyof typeof STATUS_BY_REASON

/** The body of a refusal. `detail` appears only for a failed exchange, with WeChat's errcode alone. */
export interface RefusalBody {
  [MAGIC_ID]: 1
  reason: Reason
  error: { name: string; message: string; detail?: { errcode: number } }
}
