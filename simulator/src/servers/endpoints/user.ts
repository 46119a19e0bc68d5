import { randomInt } from 'node:crypto'
import type { ApiRequest } from '../answer.js'
import { type Backend, DOCS, GAME_DOCS, WECHAT_HOST } from '../backend.js'
import { checkJson, type Endpoint, type Outcome, ok, parse, refuse } from '../endpoint.js'
import { openPidOf } from '../ids.js'
import { signingUser } from '../user-signature.js'

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** What WeChat tells a server of a user, beside who they are. */
export function userEndpoints(backend: Backend): Endpoint[] {
  const { appId, clock, accounts, phoneCodes, pluginCodes, tokens } = backend
  const { encryptKeys, phoneMessages, payments } = backend
  const host = WECHAT_HOST

  return [
    {
      method: 'POST',
      path: '/wxa/business/getuserphonenumber',
      host,
      does: 'the phone number of the button’s code',
      source: `${GAME_DOCS}/phonenumber/phonenumber.getPhoneNumber.html`,
      grade: 'documented',
      handle: withToken(getPhoneNumber),
    },
    {
      method: 'any',
      path: '/wxa/business/getuserencryptkey',
      host,
      does: 'the last three keys that phones of a user get, too',
      source: `${DOCS}/user-info/internet/api_getuserencryptkey.html`,
      grade: 'seen',
      handle: withToken(getEncryptKeys),
    },
    {
      method: 'POST',
      path: '/wxa/business/checkencryptedmsg',
      host,
      does: 'whether WeChat has encrypted this phone number, in the last three days',
      source: `${GAME_DOCS}/user-info/auth.checkEncryptedData.html`,
      grade: 'documented',
      handle: withToken(checkEncryptedMessage),
    },
    {
      method: 'POST',
      path: '/wxa/getpluginopenpid',
      host,
      does: 'a code of `wx.pluginLogin()` becomes an openpid',
      source: `${DOCS}/user-info/basic-info/api_getpluginopenpid.html`,
      grade: 'documented',
      guess: 'the errcode of a code that is not good',
      handle: withToken(({ body }) => {
        const { code } = parse(body)
        if (typeof code !== 'string' || code === '') return refuse(1001, { errmsg: 'invalid parameter' })
        const user = pluginCodes.redeem(code)
        return typeof user === 'string' ? refuse(1007) : ok({ openpid: openPidOf(appId, user.name) })
      }),
    },
    {
      method: 'GET',
      path: '/wxa/getpaidunionid',
      host,
      does: 'the unionid of a user, for five minutes after a payment',
      source: `${DOCS}/user-info/basic-info/api_getpaidunionid.html`,
      grade: 'documented',
      guess: 'that a payment is looked for before the Open Platform account; a mch_id is not compared',
      handle: withToken(getPaidUnionId),
    },
  ]

  function withToken(handle: (request: ApiRequest) => Outcome): Endpoint['handle'] {
    return (request) => {
      const wrong = tokens.check(request.query.get('access_token'))
      return wrong === 0 ? handle(request) : refuse(wrong)
    }
  }

  /** Its code comes from the button that asks for the number; the code of `wx.login()` is refused. */
  function getPhoneNumber({ body }: ApiRequest): Outcome {
    const { code, openid } = parse(body)
    const user = typeof code === 'string' ? phoneCodes.redeem(code) : 'invalid'
    if (typeof user === 'string' || (openid !== undefined && openid !== user.openId)) {
      // As was seen: "invalid code hint: [qKhDWV0sf-0s77ta] rid: …".
      return refuse(40029, { errmsg: `invalid code hint: [${text(9)}-${text(6)}]` })
    }
    return ok({ phone_info: phoneMessages.phoneInfo(user) })
  }

  /**
   * All of it is in the query, although the page of 2025 lists a body: what is in a body is not found (40003), and any
   * body of a POST breaks the signature, as was seen.
   */
  function getEncryptKeys({ method, query, body }: ApiRequest): Outcome {
    const user = signingUser(query, accounts)
    const wrong = typeof user !== 'number' && method === 'POST' && body !== '' ? 87009 : user
    if (typeof wrong === 'number') return refuse(wrong, { more: { key_info_list: [] } })

    const key_info_list = encryptKeys.list(wrong).map((key) => ({
      encrypt_key: key.encryptKey,
      version: key.version,
      expire_in: Math.max(0, Math.floor((key.expiresAt - clock.now()) / 1000)),
      iv: key.iv,
      create_time: Math.floor(key.createdAt / 1000),
    }))
    return ok({ key_info_list })
  }

  function checkEncryptedMessage({ body }: ApiRequest): Outcome {
    const wrong = checkJson(body)
    if (wrong !== 0) return refuse(wrong)
    const { encrypted_msg_hash: hash } = parse(body)
    if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/i.test(hash)) return refuse(40097)
    const at = phoneMessages.encryptedAt(hash)
    // Their spelling.
    return at === undefined ? refuse(1) : ok({ vaild: true, create_time: Math.floor(at / 1000) })
  }

  function getPaidUnionId({ query }: ApiRequest): Outcome {
    const user = accounts.byOpenId(query.get('openid') ?? '')
    if (user === undefined) return refuse(40003)
    const transactionId = query.get('transaction_id') ?? undefined
    if (!payments.paidLately(user, transactionId)) return refuse(89300)
    return user.unionId === undefined ? refuse(89002) : ok({ unionid: user.unionId })
  }
}

function text(length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('')
}
