import type { Warnings } from '../util/warn.js'
import { WechatApiError, type WechatApiErrorCode } from './api-error.js'
import { createCaller, type WechatCall } from './call.js'
import { ADVICE, BUSY, CODE_REFUSED, describeAnswer, RETRY_AFTER } from './errcodes.js'
import type { TransportOptions } from './transport.js'

export interface ApiClientOptions extends TransportOptions {
  warn: Warnings
}

/** Calls WeChat's API. @throws {WechatApiError} */
export type CallWechat = <Result>(call: WechatCall<Result>) => Promise<Result>

/** "The access_token is invalid, or not the latest"; "is invalid"; "has expired". */
const TOKEN_REFUSED = new Set([40001, 40014, 42001])

/** Errors of a `fetch` that has not connected: nothing was sent. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** Calls whose failures are handlers' to catch. */
export function createApiClient({ warn, ...options }: ApiClientOptions): CallWechat {
  return createCaller({ ...options, failed, refused })

  function failed({ path, isOnce }: WechatCall, status: 502 | 504, what: string, why?: string) {
    const code = status === 504 ? 'ERR_WECHAT_TIMEOUT' : 'ERR_WECHAT_UNAVAILABLE'
    warn.rarely(`WEAPP_API_${code}`, `Calls of ${path} fail: ${what}${why === undefined ? '' : ` (${why})`}`)
    const retryable = !isOnce || NOT_CONNECTED.has(why ?? '')
    const cause = why === undefined ? undefined : new Error(why)
    return new WechatApiError(code, `${what}: ${nextStep(retryable)}.`, { retryable, cause })
  }

  function refused({ path, isOnce, advice: special }: WechatCall, errcode: number, rid: string | undefined) {
    const advice = special?.[errcode] ?? ADVICE[errcode]
    if (advice) {
      const what = `WeChat refuses calls of ${path} (${describeAnswer(errcode, rid)})`
      warn.once(`WEAPP_API_${errcode}`, `${what}: ${advice}`)
    }

    const code = codeOf(errcode, advice)
    // WeChat looks at the access_token first: a call that is refused for it has used nothing up.
    const isUsedUp = isOnce && !TOKEN_REFUSED.has(errcode)
    const retryable = !isUsedUp && CAN_PASS.has(code)
    return new WechatApiError(code, `${describe(code, errcode)}: ${advice ?? nextStep(retryable, code)}.`, {
      errcode,
      retryable,
      retryAfter: RETRY_AFTER[errcode],
      cause: new Error(`WeChat answered ${describeAnswer(errcode, rid)}`),
    })
  }
}

/** Whether WeChat refused a call because of its access_token: with another one it may succeed. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof WechatApiError && TOKEN_REFUSED.has(error.errcode ?? 0)
}

/** What can be over in a while, with nobody doing anything about it. */
const CAN_PASS = new Set<WechatApiErrorCode>([
  'ERR_WECHAT_RATE_LIMITED',
  'ERR_WECHAT_UNAVAILABLE',
  'ERR_WECHAT_TIMEOUT',
])

function codeOf(errcode: number, advice: string | undefined): WechatApiErrorCode {
  if (RETRY_AFTER[errcode]) return 'ERR_WECHAT_RATE_LIMITED'
  if (advice) return 'ERR_WECHAT_REFUSED'
  if (CODE_REFUSED.has(errcode)) return 'ERR_WECHAT_CODE_REFUSED'
  return errcode === BUSY || TOKEN_REFUSED.has(errcode) ? 'ERR_WECHAT_UNAVAILABLE' : 'ERR_WECHAT_REFUSED'
}

function describe(code: WechatApiErrorCode, errcode: number): string {
  if (code === 'ERR_WECHAT_RATE_LIMITED') return `WeChat was called too often (errcode ${errcode})`
  if (code === 'ERR_WECHAT_CODE_REFUSED') return `WeChat refused the code (errcode ${errcode})`
  if (code === 'ERR_WECHAT_REFUSED') return `WeChat refused the call (errcode ${errcode})`
  if (errcode === BUSY) return `WeChat is busy (errcode ${errcode})`
  return `WeChat refuses the very access_token that it gives out (errcode ${errcode})`
}

function nextStep(retryable: boolean, code?: WechatApiErrorCode): string {
  if (code === 'ERR_WECHAT_REFUSED') return "look it up among WeChat's errcodes"
  if (code === 'ERR_WECHAT_CODE_REFUSED') {
    return "it is unknown, has expired, was used, or is another user's, so let the user tap the button again"
  }
  return retryable ? 'try again later' : 'the code may be used up, so let the user tap the button again'
}
