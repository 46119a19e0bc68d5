import { deadline } from './deadline.js'
import { WeappSessionError } from './errors.js'
import { parseObject } from './user-data.js'
import type { Warnings } from './warn.js'

/** Who WeChat says the user is. The session_key stays on this server. */
export interface Exchanged {
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
  fetch: typeof fetch
  warn: Warnings
}

/** An answer as it came over the wire. */
interface Answer {
  status: number
  text: string
}

// Errcodes: developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session
export const BUSY = -1
const BLOCKED = 40226
const TOO_OFTEN = 45011
const DAILY_QUOTA = 45009

/** What to do about errcodes that are our own fault: no code and no user can mend them. */
const ADVICE: Readonly<Record<number, string>> = {
  40002: 'grant_type was refused: is wechat.baseUrl really WeChat?',
  40013: 'the appId is wrong: compare it with the one in the mini program console',
  40090: "this server's IP address was refused: check the proxy between it and WeChat",
  40125: 'the appSecret is wrong or was reset: copy the current one from the mini program console',
  40164: "this server's IP address is not on the IP whitelist: add it in the mini program console",
  40243: 'the appSecret is frozen: unfreeze it in the mini program console',
  41002: 'the appId did not arrive: does a proxy cut the query string?',
  41004: 'the appSecret did not arrive: does a proxy cut the query string?',
  45009: "the appId's daily quota of calls is used up",
  48001: 'this appId may not use the login API: check its permissions in the mini program console',
  50002: 'the mini program is restricted: see the notices in its console',
  50004: 'the mini program is being punished: see the notices in its console',
  61003: 'the third-party platform is not authorised by this mini program',
}

/** Seconds. 45011 is a limit per minute; the daily quota ends at midnight in Beijing, so an hour is as good. */
const RETRY_AFTER_A_MINUTE = 60
const RETRY_AFTER_AN_HOUR = 3600

/**
 * Exchanges codes at WeChat: send, then check. Each call sends its code exactly once: WeChat consumes a code
 * even when it refuses it or its answer is lost, so to send it again can only fail (40163).
 *
 * Rejects with ERR_SESSION_KEY_EXCHANGE_FAILED. The secret is in the URL, so neither the URL nor an error that
 * may contain it (those of `fetch` and of JSON parsers do) ever becomes part of ours.
 */
export function code2Session(options: Code2SessionOptions): (code: string) => Promise<Exchanged> {
  const { appId, appSecret, baseUrl, timeout, fetch, warn } = options

  return async function exchange(code) {
    return check(await send(code))
  }

  async function send(code: string): Promise<Answer> {
    const query = new URLSearchParams({
      appid: appId,
      secret: appSecret,
      js_code: code,
      grant_type: 'authorization_code',
    })
    const abort = new AbortController()
    const answer = async (): Promise<Answer> => {
      // A redirect would carry the secret to wherever it points.
      const init = { signal: abort.signal, redirect: 'error' } as const
      const response = await fetch(`${baseUrl}/sns/jscode2session?${query}`, init)
      return { status: response.status, text: await response.text() }
    }

    try {
      return await deadline(timeout, answer(), () => {
        abort.abort()
        return failed(504, `WeChat did not answer within ${timeout} ms`)
      })
    } catch (error) {
      if (error instanceof WeappSessionError) throw error
      throw failed(502, 'WeChat could not be reached', networkErrorCode(error))
    }
  }

  function check({ status, text }: Answer): Exchanged {
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

  function refused(errcode: number, rid: string): WeappSessionError {
    const advice = ADVICE[errcode]
    if (advice) warn.once(`WEAPP_${errcode}`, `WeChat refuses logins (errcode ${errcode}, ${rid}): ${advice}`)

    const cause = new Error(`WeChat answered errcode ${errcode}, ${rid}`)
    return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', { ...treatment(errcode), errcode, cause })
  }
}

/** What is not named here was said of the code itself (40029 invalid, 40163 used, …): a new code may help. */
function treatment(errcode: number): { status: number; retryAfter?: number } {
  if (errcode === BLOCKED) return { status: 403 }
  if (errcode === TOO_OFTEN) return { status: 429, retryAfter: RETRY_AFTER_A_MINUTE }
  if (errcode === DAILY_QUOTA) return { status: 429, retryAfter: RETRY_AFTER_AN_HOUR }
  return { status: errcode === BUSY || ADVICE[errcode] ? 502 : 401 }
}

/** The id that WeChat's support asks for, from `…, rid: 652d44d0-1d0af18b-5b069232`; nothing else of the text. */
function traceId(errmsg: unknown): string {
  const rid = typeof errmsg === 'string' ? /\b(?:rid|req_id): ?([\w-]{1,64})/.exec(errmsg)?.[1] : undefined
  return rid ? `rid ${rid}` : 'no rid'
}

/** A name like ECONNREFUSED: all that may be kept of an error that may hold the URL. */
function networkErrorCode(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  const names = [cause?.code, code].filter((name) => typeof name === 'string' && /^\w{1,40}$/.test(name))
  return String(names[0] ?? 'no connection')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
