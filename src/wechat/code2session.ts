import { parseObject } from '../crypto/user-data.js'
import { diagnostics } from '../diagnostics.js'
import { WeappSessionError } from '../errors.js'
import type { Warnings } from '../util/warn.js'
import { ADVICE, BUSY, describeAnswer, isText, networkErrorCode, RETRY_AFTER, traceId } from './errcodes.js'
import { type Answer, transport } from './transport.js'

/** Who WeChat says the user is. The session_key stays on this server. */
export interface WechatSession {
  openId: string
  unionId: string | undefined
  sessionKey: string
}

export interface Code2SessionOptions {
  appId: string
  appSecret: string
  /** Where WeChat's API is: `https://api.weixin.qq.com`, a regional host, or a simulator. */
  baseUrl: string
  /** ms for the whole exchange, the body included. */
  timeout: number
  fetch?: typeof fetch | undefined
  warn: Warnings
}

// Errcodes: developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session
const BLOCKED = 40226

const exchanges = diagnostics('exchange')

/**
 * Exchanges codes at WeChat: send, then check. Each call sends its code exactly once: WeChat consumes a code
 * even when it refuses it or its answer is lost, so to send it again can only fail (40163).
 *
 * Rejects with ERR_SESSION_KEY_EXCHANGE_FAILED. The secret is in the URL, so neither the URL nor an error that
 * may contain it (those of `fetch` and of JSON parsers do) ever becomes part of ours.
 */
export function createCode2Session(options: Code2SessionOptions): (code: string) => Promise<WechatSession> {
  const { appId, appSecret, timeout, warn } = options
  const ask = transport(options)
  const fixed = new URLSearchParams({ appid: appId, secret: appSecret })
  const endpoint = `/sns/jscode2session?${fixed}`

  return async function exchange(code) {
    const began = performance.now()
    try {
      const exchanged = check(await send(code))
      told(began)
      return exchanged
    } catch (error) {
      told(began, error as WeappSessionError)
      throw error
    }
  }

  function told(began: number, refusal?: WeappSessionError): void {
    if (!exchanges.hasSubscribers) return
    const { status, detail, rid } = refusal ?? {}
    const why = { ...(status && { status }), ...detail, ...(rid && { rid }) }
    exchanges.publish({ appId, ms: performance.now() - began, ...why })
  }

  async function send(code: string): Promise<Answer> {
    const late = () => failed(504, `WeChat did not answer within ${timeout} ms`)
    try {
      return await ask(`${endpoint}&js_code=${encodeURIComponent(code)}&grant_type=authorization_code`, late)
    } catch (error) {
      if (error instanceof WeappSessionError) throw error
      throw failed(502, 'WeChat could not be reached', networkErrorCode(error))
    }
  }

  function check({ status, text }: Answer): WechatSession {
    // Served as text/plain, and a success has no errcode (the documentation's `errcode: 0` is not sent):
    // what counts is that both fields are there.
    const body = parseObject(text)
    const { openid, session_key: sessionKey, unionid, errcode, errmsg } = body ?? {}

    if (status === 200 && isText(openid) && isText(sessionKey)) {
      return { openId: openid, unionId: isText(unionid) ? unionid : undefined, sessionKey }
    }
    if (status >= 500 || typeof errcode !== 'number' || errcode === 0) {
      throw failed(502, 'WeChat gave no usable answer', `HTTP ${status}, ${body ? '' : 'not '}JSON`)
    }
    throw refused(errcode, traceId(errmsg))
  }

  function failed(status: number, message: string, why?: string): WeappSessionError {
    const cause = why === undefined ? undefined : new Error(why)
    warn.rarely(`WEAPP_${status}`, `Logins fail: ${message}${why === undefined ? '' : ` (${why})`}`)
    return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', { status, message, cause })
  }

  function refused(errcode: number, rid: string | undefined): WeappSessionError {
    const advice = ADVICE[errcode]
    const what = describeAnswer(errcode, rid)
    if (advice) warn.once(`WEAPP_${errcode}`, `WeChat refuses logins (${what}): ${advice}`)

    const cause = new Error(`WeChat answered ${what}`)
    const options = { ...treatment(errcode), errcode, rid, cause }
    return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', options)
  }
}

/** What is not named here was said of the code itself (40029 invalid, 40163 used, …): a new code may help. */
function treatment(errcode: number): { status: number; retryAfter?: number } {
  if (errcode === BLOCKED) return { status: 403 }
  const retryAfter = RETRY_AFTER[errcode]
  if (retryAfter !== undefined) return { status: 429, retryAfter }
  return { status: errcode === BUSY || ADVICE[errcode] ? 502 : 401 }
}
