import { parseObject } from '../util/json.js'
import type { Warnings } from '../util/warn.js'
import { WechatApiError, type WechatApiErrorCode } from './api-error.js'
import { ADVICE, BUSY, describeAnswer, networkErrorCode, RETRY_AFTER, traceId } from './errcodes.js'
import { type Answer, transport } from './transport.js'

export interface WechatCallsOptions {
  /** Where WeChat's API is: `https://api.weixin.qq.com`, a regional host, or a simulator. */
  baseUrl: string
  /** ms for each call, the body of its answer included. */
  timeout: number
  fetch?: typeof fetch | undefined
  warn: Warnings
}

/** One call of WeChat's API: a GET, or a POST when it has a `body`. */
export interface WechatCall<Result = unknown> {
  path: string
  /** What an answer that is no refusal says; `undefined` when it is not what it should be. */
  read(body: Record<string, unknown>): Result | undefined
  query?: Record<string, string>
  body?: Record<string, unknown>
  /** What it carries is used up by the call, whatever comes of it: the same call again can only fail. */
  isOnce?: boolean
  /** What to do about errcodes that have a meaning of their own here. */
  advice?: Readonly<Record<number, string>>
}

/** Calls WeChat's API. @throws {WechatApiError} */
export type CallWechat = <Result>(call: WechatCall<Result>) => Promise<Result>

/** "The access_token is invalid, or not the latest"; "is invalid"; "has expired". */
const TOKEN_REFUSED = new Set([40001, 40014, 42001])

/** "Invalid code", "code been used". */
const CODE_REFUSED = new Set([40029, 40163])

/** Errors of a `fetch` that has not connected: nothing was sent. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/**
 * Calls WeChat's API: send, then check. Each call is sent once.
 *
 * Rejects with {@link WechatApiError}. The appSecret and access_tokens are in URLs and bodies, so neither those nor an
 * error that may contain them (those of `fetch` and of JSON parsers do) ever becomes part of ours.
 */
export function wechatCalls({ baseUrl, timeout, fetch, warn }: WechatCallsOptions): CallWechat {
  const ask = transport({ baseUrl, timeout, fetch })

  return async function callWechat(call) {
    return check(await send(call), call)
  }

  async function send(call: WechatCall): Promise<Answer> {
    const late = () => failed(call, 'ERR_WECHAT_TIMEOUT', `WeChat did not answer within ${timeout} ms`)
    try {
      return await ask(pathOf(call), late, call.body && JSON.stringify(call.body))
    } catch (error) {
      if (error instanceof WechatApiError) throw error
      throw failed(call, 'ERR_WECHAT_UNAVAILABLE', 'WeChat could not be reached', networkErrorCode(error))
    }
  }

  function pathOf({ path, query }: WechatCall): string {
    return `${path}${query ? `?${new URLSearchParams(query)}` : ''}`
  }

  function check<Result>({ status, text }: Answer, call: WechatCall<Result>): Result {
    // Served as text/plain, with status 200 even for a refusal, and not every success has an errcode.
    const body = parseObject(text)
    const errcode = body?.errcode
    if (status < 500 && typeof errcode === 'number' && errcode !== 0) {
      throw refused(call, errcode, traceId(body?.errmsg))
    }
    const result = status === 200 && body ? call.read(body) : undefined
    if (result !== undefined) return result
    const why = `HTTP ${status}, ${body ? '' : 'not '}JSON`
    throw failed(call, 'ERR_WECHAT_UNAVAILABLE', 'WeChat gave no usable answer', why)
  }

  function failed({ path, isOnce }: WechatCall, code: WechatApiErrorCode, what: string, why?: string) {
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
