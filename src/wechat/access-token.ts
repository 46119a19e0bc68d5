import { isText } from '../util/json.js'
import type { CallWechat } from './api-client.js'
import { ADVICE } from './errcodes.js'

/** What calls of WeChat's API prove with that they are the mini program's. As secret as the appSecret. */
export interface AccessToken {
  /** @throws {WechatApiError} when there is none and none can be fetched */
  get(): Promise<string>
  /** Another than this one, which WeChat has refused; the same when WeChat insists on it. */
  replace(refused: string): Promise<string>
}

export interface AccessTokenOptions {
  appId: string
  appSecret: string
  call: CallWechat
}

interface Token {
  text: string
  /** By `performance.now()`. */
  expires: number
}

/**
 * ms. From five minutes before its end on, WeChat gives out the next token, and takes both: then it is fetched behind
 * the scenes, and waited for only in the last minute.
 */
const RENEWAL = 5 * 60_000
const MARGIN = 60_000

/**
 * The "stable" access_token. Until it is due, WeChat gives the same one to whoever asks, so processes share it without
 * a store, and none takes another's away: each fetches it once, and again every two hours. WeChat allows an appId
 * 10,000 fetches a minute and 500,000 a day. `force_refresh` would end the token of all others, and is never used.
 * developers.weixin.qq.com/doc/subscription/api/base/api_getstableaccesstoken.html
 */
export function accessToken({ appId, appSecret, call }: AccessTokenOptions): AccessToken {
  let token: Token | undefined
  let flight: Promise<string> | undefined

  return {
    get,
    async replace(refused) {
      if (token?.text === refused) token = undefined
      return get()
    },
  }

  async function get(): Promise<string> {
    const left = (token?.expires ?? 0) - performance.now()
    if (!token || left <= MARGIN) return fetchOnce()
    if (left <= RENEWAL) fetchOnce().catch(() => {})
    return token.text
  }

  /** However many need it. */
  function fetchOnce(): Promise<string> {
    flight ??= fetchToken().finally(() => {
      flight = undefined
    })
    return flight
  }

  async function fetchToken(): Promise<string> {
    const askedAt = performance.now()
    token = await call({
      path: '/cgi-bin/stable_token',
      body: { grant_type: 'client_credential', appid: appId, secret: appSecret, force_refresh: false },
      // Said of a wrong appSecret, too: developers.weixin.qq.com/doc/store/API/basics/commErrCode.html
      advice: { 40001: ADVICE[40125] as string },
      read: ({ access_token: text, expires_in: seconds }) =>
        isText(text) && typeof seconds === 'number' ? { text, expires: askedAt + seconds * 1000 } : undefined,
    })
    return token.text
  }
}
