import { createHash, createHmac } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isText } from '../util/json.js'
import { optionError } from '../util/option-error.js'
import { accessToken } from './access-token.js'
import { type ApiClientOptions, createApiClient, isTokenRefused } from './api-client.js'
import { WechatApiError } from './api-error.js'
import type { WechatCall } from './call.js'
import type { Slots } from './slots.js'

/** A phone number that WeChat vouches for. */
export interface PhoneNumber {
  /** With the country code in front, where it is not a Chinese one. */
  readonly phoneNumber: string
  /** Without the country code. */
  readonly purePhoneNumber: string
  /** Such as `86`. */
  readonly countryCode: string
}

/** Options of `getPhoneNumber()`. */
export interface GetPhoneNumberOptions {
  /** Whose number it must be. Without it, whoever has somebody's code is given their number. */
  openId?: string
}

/** What one mini program can ask WeChat for, beside logins. */
export interface WechatApi {
  /** @throws {WechatApiError} */
  getPhoneNumber(code: string, options?: GetPhoneNumberOptions): Promise<PhoneNumber>
  /**
   * Whether this session_key is still the one that WeChat has for the user.
   *
   * @throws {WechatApiError}
   */
  isKeyAlive(openId: string, sessionKey: string): Promise<boolean>
}

export interface WechatApiOptions extends ApiClientOptions {
  appId: string
  appSecret: string
  /** Shared with logins, which keep half of them. */
  slots: Slots
}

/** A code lives five minutes: developers.weixin.qq.com/miniprogram/dev/framework/open-ability/getPhoneNumber.html */
const CODE_LIFE = 5 * 60_000

/** Codes whose answer is remembered. */
const CODES_MAX = 10_000

/** WeChat documents no shape; its example has 64 hex digits. This keeps out only what is certainly no code. */
const CODE = /^[!-~]{1,512}$/

const INVALID_SIGNATURE = 87009

/** The API of one mini program, with an access_token of its own. */
export function createWechatApi({ appId, appSecret, slots, ...options }: WechatApiOptions): WechatApi {
  const call = createApiClient(options)
  const token = accessToken({ appId, appSecret, call })
  const answers = new LRUCache<string, Promise<PhoneNumber>>({ max: CODES_MAX, ttl: CODE_LIFE })

  return { getPhoneNumber, isKeyAlive }

  /**
   * A code works once, and is paid for. So it is sent once: who asks for it again, at the same time or later, gets the
   * same answer, or the same failure where that may have used the code up.
   */
  async function getPhoneNumber(code: string, who: GetPhoneNumberOptions = {}): Promise<PhoneNumber> {
    // Said rather than ignored: `undefined` here is a user whom somebody forgot to log in.
    if ('openId' in who && !isText(who.openId))
      throw optionError('getPhoneNumber({ openId }) must be an openId')
    if (typeof code !== 'string' || !CODE.test(code))
      throw new WechatApiError('ERR_WECHAT_CODE_REFUSED', NO_CODE)

    const asked = JSON.stringify([code, who.openId])
    const key = createHash('sha256').update(asked).digest('base64url')
    const known = answers.get(key)
    return { ...(await (known ?? remember(key, askForPhoneNumber(code, who.openId)))) }
  }

  function remember(key: string, answer: Promise<PhoneNumber>): Promise<PhoneNumber> {
    answers.set(key, answer)
    answer.catch((error: unknown) => {
      const isUsedUp = error instanceof WechatApiError && !error.retryable
      if (!isUsedUp && answers.peek(key) === answer) answers.delete(key)
    })
    return answer
  }

  /** developers.weixin.qq.com/minigame/dev/api-backend/open-api/phonenumber/phonenumber.getPhoneNumber.html */
  function askForPhoneNumber(code: string, openId: string | undefined): Promise<PhoneNumber> {
    const call: WechatCall<PhoneNumber> = {
      path: '/wxa/business/getuserphonenumber',
      // WeChat compares the openid with the code's, and refuses another user's code.
      body: { code, ...(openId !== undefined && { openid: openId }) },
      isOnce: true,
      read: readPhoneNumber,
    }
    return inTurn(call, openId)
  }

  /** developers.weixin.qq.com/miniprogram/dev/server/API/user-login/api_checksessionkey */
  async function isKeyAlive(openId: string, sessionKey: string): Promise<boolean> {
    // The key is the base64 text, not what it encodes; what is signed is nothing.
    const signature = createHmac('sha256', sessionKey).update('').digest('hex')
    try {
      const call: WechatCall<boolean> = {
        path: '/wxa/checksession',
        query: { openid: openId, signature, sig_method: 'hmac_sha256' },
        read: ({ errcode }) => errcode === 0 || undefined,
      }
      return await inTurn(call, openId)
    } catch (error) {
      if (error instanceof WechatApiError && error.errcode === INVALID_SIGNATURE) return false
      throw error
    }
  }

  /**
   * One slot for a call and all that belongs to it: who had one and had to wait for another to fetch the token could
   * wait for those who wait for that very token.
   */
  async function inTurn<Result>(call: WechatCall<Result>, openId: string | undefined): Promise<Result> {
    const answer = slots.call(() => callWithToken(call), openId)
    if (answer) return answer
    // Nothing was sent, so nothing is used up.
    throw new WechatApiError('ERR_WECHAT_RATE_LIMITED', TOO_MANY, { retryable: true, retryAfter: 1 })
  }

  async function callWithToken<Result>({ query, ...rest }: WechatCall<Result>): Promise<Result> {
    const callWith = (access_token: string) => call({ ...rest, query: { access_token, ...query } })
    const first = await token.get()
    try {
      return await callWith(first)
    } catch (error) {
      if (!isTokenRefused(error)) throw error
      const second = await token.replace(first)
      if (second === first) throw error
      return callWith(second)
    }
  }
}

function readPhoneNumber({ phone_info }: Record<string, unknown>): PhoneNumber | undefined {
  const { phoneNumber, purePhoneNumber, countryCode = '' } = Object(phone_info) as Record<string, unknown>
  if (!isText(phoneNumber) || !isText(purePhoneNumber)) return undefined
  // Documented as a string, and a number in the example.
  return { phoneNumber, purePhoneNumber, countryCode: String(countryCode) }
}

/** Which mini program a call is for. */
export interface WechatAppOptions {
  /** Required where there are several. */
  appId?: string
}

/** WeChat's API, for handlers. */
export interface Wechat {
  /**
   * The phone number behind a code of `<button open-type="getPhoneNumber">`. Give the user's `openId`: WeChat then
   * refuses the code of anybody else. WeChat charges for each number, and a code works once: it is sent once, and asked
   * again within five minutes this process gives the same answer. Another process is refused it
   * (ERR_WECHAT_CODE_REFUSED).
   *
   * Takes at most `wechat.timeout` for the call itself, and as much for an access_token, where that is due. Calls that
   * are no logins have half of `wechat.concurrency` at most, and each user (by `openId`) three at a time; as many again
   * wait for their turn. What is more is refused at once: ERR_WECHAT_RATE_LIMITED, `retryable`, and without an
   * `errcode`. Its code was not sent.
   *
   * @throws {WechatApiError} with a `code` that says what to do
   * @throws {TypeError} when `openId` is given and is none, or `appId` is none of this server's
   *
   * @example
   * router.post('/phone', requireWxUser(), async (ctx) => {
   *   const { openId } = ctx.$wxUserInfo
   *   const { phoneNumber } = await session.wechat.getPhoneNumber(ctx.request.body.code, { openId })
   * })
   */
  getPhoneNumber(code: string, options?: GetPhoneNumberOptions & WechatAppOptions): Promise<PhoneNumber>
}

/** One API for all mini programs of a server. */
export function createWechat(apis: ReadonlyMap<string, WechatApi>): Wechat {
  return {
    async getPhoneNumber(code, { appId, ...options } = {}) {
      return apiOf(appId).getPhoneNumber(code, options)
    },
  }

  function apiOf(appId: string | undefined): WechatApi {
    const [only] = apis.size === 1 && appId === undefined ? apis.values() : []
    const api = only ?? apis.get(appId ?? '')
    if (api) return api
    throw optionError(`appId must be a mini program of this server: ${[...apis.keys()].join(', ')}`)
  }
}

const TOO_MANY = 'Too many calls of WeChat are under way here: try again in a second.'
const NO_CODE = 'This is no code: send the one that the getPhoneNumber button gives.'
