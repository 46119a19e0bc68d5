/** Why a call of WeChat's API failed, with the HTTP status that Koa answers with where nobody catches it. */
const STATUS_BY_CODE = {
  /** The code is unknown, has expired, was used, or is another user's: let the user tap the button again. */
  ERR_WECHAT_CODE_REFUSED: 400,
  /**
   * Called too often: wait as long as `headers['Retry-After']` says. With an `errcode` it is WeChat that says so,
   * without one it is `wechat.concurrency`, and nothing was sent.
   */
  ERR_WECHAT_RATE_LIMITED: 429,
  /** Our own fault, a wrong appSecret or a missing permission, say: the message says what to do. */
  ERR_WECHAT_REFUSED: 502,
  /** Not reached, busy, or no answer that can be used. */
  ERR_WECHAT_UNAVAILABLE: 502,
  /** No answer in time. */
  ERR_WECHAT_TIMEOUT: 504,
} as const

/** Why a call of WeChat's API failed. Stable: decide by it. */
export type WechatApiErrorCode = keyof typeof STATUS_BY_CODE

/** What a {@link WechatApiError} knows beside its code. */
export interface WechatApiErrorOptions extends ErrorOptions {
  /** WeChat's errcode, when it refused the call. */
  errcode?: number | undefined
  /** Whether the same call can succeed later. Default false. */
  retryable?: boolean | undefined
  /** Seconds. */
  retryAfter?: number | undefined
}

/**
 * A call that a handler made of WeChat's API, and that failed. No refusal of a session: the user stays logged in.
 *
 * Holds no secret and nothing that WeChat sent but its errcode, and in the cause its trace id. `status`, `expose` and
 * `headers` are the fields that Koa reads: one that nobody catches is answered with the name of its status.
 *
 * @example
 * try {
 *   phone = await session.wechat.getPhoneNumber(code, { openId })
 * } catch (error) {
 *   if (error instanceof WechatApiError && error.code === 'ERR_WECHAT_CODE_REFUSED') return askToTapAgain()
 *   throw error
 * }
 */
export class WechatApiError extends Error {
  override readonly name = 'WechatApiError'
  readonly code: WechatApiErrorCode
  readonly status: number
  readonly expose = false
  readonly headers: Readonly<Record<string, string>>
  /** WeChat's errcode, when it gave one. */
  readonly errcode: number | undefined
  /** Whether the same call, with the same arguments, can succeed later: nothing in it is used up. */
  readonly retryable: boolean

  constructor(code: WechatApiErrorCode, message: string, options: WechatApiErrorOptions = {}) {
    const { errcode, retryable = false, retryAfter, cause } = options
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = STATUS_BY_CODE[code]
    this.errcode = errcode
    this.retryable = retryable
    this.headers = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }
  }
}
