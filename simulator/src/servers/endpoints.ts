import { createHmac } from 'node:crypto'
import type { Clock } from '../clock.js'
import type { Accounts, User } from './accounts.js'
import type { ApiRequest, Body } from './answer.js'
import type { Codes } from './codes.js'
import type { Tokens } from './tokens.js'

/** "Each user 100 times per minute": developers.weixin.qq.com/community/develop/doc/000e0677a0c5b8c88698ef54d56800 */
const EXCHANGES_PER_MINUTE = 100

/** What the endpoints work with. */
export interface Backend {
  appId: string
  appSecret: string
  clock: Clock
  accounts: Accounts
  loginCodes: Codes
  phoneCodes: Codes
  tokens: Tokens
}

/** One URL of WeChat's API. `handle` gives an answer's body, or an errcode to refuse with. */
export interface Endpoint {
  method: 'GET' | 'POST'
  handle(request: ApiRequest): Body | number
}

/** The endpoints of api.weixin.qq.com that a login uses, by path. */
export function createEndpoints(backend: Backend): ReadonlyMap<string, Endpoint> {
  const { appId, appSecret, clock, accounts, loginCodes, phoneCodes, tokens } = backend
  const exchangeTimes = new Map<User, number[]>()

  return new Map<string, Endpoint>([
    ['/sns/jscode2session', { method: 'GET', handle: codeToSession }],
    ['/wxa/checksession', { method: 'GET', handle: checkSessionKey }],
    ['/wxa/resetusersessionkey', { method: 'GET', handle: resetUserSessionKey }],
    ['/cgi-bin/token', { method: 'GET', handle: getAccessToken }],
    ['/cgi-bin/stable_token', { method: 'POST', handle: getStableAccessToken }],
    ['/wxa/business/getuserphonenumber', { method: 'POST', handle: getPhoneNumber }],
  ])

  /** developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_code2session */
  function codeToSession({ query }: ApiRequest): Body | number {
    const wrong = checkApp(Object.fromEntries(query), 'authorization_code')
    if (wrong !== 0) return wrong

    const user = loginCodes.redeem(query.get('js_code') ?? '')
    if (user === 'used') return 40163
    if (user === 'invalid') return 40029
    if (isTooOften(user)) return 45011

    // Real successes have no errcode, although the documented example shows one:
    // developers.weixin.qq.com/community/develop/doc/0008c84fd601c8ddcd29648955bc00
    return { session_key: user.sessionKey?.text, openid: user.openId, unionid: user.unionId }
  }

  /** developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_checksessionkey */
  function checkSessionKey({ query }: ApiRequest): Body | number {
    const user = userBySignature(query)
    return typeof user === 'number' ? user : { errcode: 0, errmsg: 'ok' }
  }

  /** developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_resetusersessionkey */
  function resetUserSessionKey({ query }: ApiRequest): Body | number {
    const user = userBySignature(query)
    if (typeof user === 'number') return user
    return { errcode: 0, errmsg: 'ok', openid: user.openId, session_key: accounts.resetSessionKey(user) }
  }

  function getAccessToken({ query }: ApiRequest): Body | number {
    const wrong = checkApp(Object.fromEntries(query), 'client_credential')
    return wrong === 0 ? tokens.issue() : wrong
  }

  /** developers.weixin.qq.com/doc/subscription/api/base/api_getstableaccesstoken.html; its quotas are not kept. */
  function getStableAccessToken({ body }: ApiRequest): Body | number {
    const fields = parse(body)
    const wrong = checkApp(fields, 'client_credential')
    return wrong === 0 ? tokens.stable(fields.force_refresh === true) : wrong
  }

  /** Its code comes from the button that asks for the number; the code of `wx.login()` is refused. */
  function getPhoneNumber({ query, body }: ApiRequest): Body | number {
    const wrong = tokens.check(query.get('access_token'))
    if (wrong !== 0) return wrong

    const { code, openid } = parse(body)
    const user = typeof code === 'string' ? phoneCodes.redeem(code) : 'invalid'
    if (typeof user === 'string') return 40029
    if (openid !== undefined && openid !== user.openId) return 40029

    const watermark = { timestamp: Math.floor(clock.now() / 1000), appid: appId }
    const { phoneNumber } = user
    const phone_info = { phoneNumber, purePhoneNumber: phoneNumber, countryCode: '86', watermark }
    return { errcode: 0, errmsg: 'ok', phone_info }
  }

  /** What is wrong with the mini program's credentials: first what is missing, then what is false. */
  function checkApp(fields: Body, grantType: 'authorization_code' | 'client_credential'): number {
    if (!fields.appid) return 41002
    if (!fields.secret) return 41004
    if (grantType === 'authorization_code' && !fields.js_code) return 41008
    if (fields.grant_type !== grantType) return 40002
    if (fields.appid !== appId) return 40013
    return fields.secret === appSecret ? 0 : 40125
  }

  /** The user whose session_key, as text, signed the empty string. */
  function userBySignature(query: URLSearchParams): User | number {
    const wrong = tokens.check(query.get('access_token'))
    if (wrong !== 0) return wrong
    const user = accounts.byOpenId(query.get('openid') ?? '')
    if (user === undefined) return 40003
    if (query.get('sig_method') !== 'hmac_sha256') return 87008

    const sessionKey = accounts.validSessionKey(user)
    if (sessionKey === undefined) return 87009
    const signature = createHmac('sha256', sessionKey).update('').digest('hex')
    return query.get('signature') === signature ? user : 87009
  }

  function isTooOften(user: User): boolean {
    const aMinuteAgo = clock.now() - 60_000
    const times = (exchangeTimes.get(user) ?? []).filter((time) => time > aMinuteAgo)
    times.push(clock.now())
    exchangeTimes.set(user, times)
    return times.length > EXCHANGES_PER_MINUTE
  }
}

/** The fields of a JSON object; none when the text is anything else. */
function parse(json: string): Body {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
