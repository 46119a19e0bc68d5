import { diagnostics } from '../diagnostics.js'
import { WeappSessionError } from '../errors.js'
import { isText } from '../util/json.js'
import { createOutage, type Outage } from '../util/outage.js'
import type { Warnings } from '../util/warn.js'
import { createCaller, type WechatCall } from './call.js'
import { ADVICE, BUSY, describeAnswer, RETRY_AFTER } from './errcodes.js'
import type { TransportOptions } from './transport.js'

/** Who WeChat says the user is. The session_key stays on this server. */
export interface WechatSession {
  openId: string
  unionId: string | undefined
  sessionKey: string
}

export interface Code2SessionOptions extends TransportOptions {
  appId: string
  appSecret: string
  warn: Warnings
  outage?: Outage
}

// Errcodes: developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session
const BLOCKED = 40226

const exchanges = diagnostics('exchange')

/**
 * Exchanges codes at WeChat. Each call sends its code exactly once: WeChat consumes a code even when it refuses it or its
 * answer is lost, so to send it again can only fail (40163).
 *
 * Rejects with ERR_SESSION_KEY_EXCHANGE_FAILED.
 */
export function createCode2Session(options: Code2SessionOptions): (code: string) => Promise<WechatSession> {
  const { appId, appSecret, warn, outage = loginOutage(), ...transport } = options
  const call = createCaller({ ...transport, failed, refused })

  return async function code2Session(code) {
    const began = performance.now()
    try {
      const session = await call(exchangeOf(code))
      if (outage.isOn) outage.served()
      told(began)
      return session
    } catch (error) {
      told(began, error as WeappSessionError)
      throw error
    }
  }

  function exchangeOf(code: string): WechatCall<WechatSession> {
    const query = { appid: appId, secret: appSecret, js_code: code, grant_type: 'authorization_code' }
    return { path: '/sns/jscode2session', query, read }
  }

  function told(began: number, refusal?: WeappSessionError): void {
    if (!exchanges.hasSubscribers) return
    const { status, detail, rid } = refusal ?? {}
    const why = { ...(status && { status }), ...detail, ...(rid && { rid }) }
    exchanges.publish({ appId, ms: performance.now() - began, ...why })
  }

  function failed(_: WechatCall, status: number, message: string, why?: string): WeappSessionError {
    const cause = why === undefined ? undefined : new Error(why)
    outage.refused(`WEAPP_${status}`, `Logins fail: ${message}${why === undefined ? '' : ` (${why})`}`)
    return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', { status, message, cause })
  }

  function refused(_: WechatCall, errcode: number, rid: string | undefined): WeappSessionError {
    const advice = ADVICE[errcode]
    const what = describeAnswer(errcode, rid)
    if (errcode === BUSY) outage.refused(`WEAPP_${BUSY}`, `Logins fail: WeChat is busy (${what})`)
    if (advice) warn.once(`WEAPP_${errcode}`, `WeChat refuses logins (${what}): ${advice}`)

    const cause = new Error(`WeChat answered ${what}`)
    const options = { ...treatment(errcode), errcode, rid, cause }
    return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', options)
  }
}

/** What operators read of logins that WeChat does not answer. */
export function loginOutage(): Outage {
  return createOutage('Logins work again')
}

/** A success has no errcode (the documentation's `errcode: 0` is not sent): what counts is that both fields are there. */
function read({
  openid,
  session_key: sessionKey,
  unionid,
}: Record<string, unknown>): WechatSession | undefined {
  if (!isText(openid) || !isText(sessionKey)) return undefined
  return { openId: openid, unionId: isText(unionid) ? unionid : undefined, sessionKey }
}

/** What is not named here was said of the code itself (40029 invalid, 40163 used, …): a new code may help. */
function treatment(errcode: number): { status: number; retryAfter?: number } {
  if (errcode === BLOCKED) return { status: 403 }
  const retryAfter = RETRY_AFTER[errcode]
  if (retryAfter !== undefined) return { status: 429, retryAfter }
  return { status: errcode === BUSY || ADVICE[errcode] ? 502 : 401 }
}
