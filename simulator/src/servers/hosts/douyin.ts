import type { Clock } from '../../clock.js'
import type { ApiRequest, Body } from '../answer.js'
import type { Backend } from '../backend.js'
import type { Codes } from '../codes.js'
import type { Dialect } from '../dialect.js'
import { answer, type Endpoint, type Outcome, parse, refuse } from '../endpoint.js'
import { openIdOf, randomLogId } from '../ids.js'

const HOST = 'developer.toutiao.com'
const DOCS = 'https://developer.open-douyin.com/docs/resource/zh-CN/mini-app/develop/server'
const V1 = '/api/apps/jscode2session'

/** 抖音's mini programs. `anonymousCodes`: codes of those who need not be logged in. */
export function douyinEndpoints({ anonymousCodes, ...backend }: DouyinBackend): Endpoint[] {
  const { appId, appSecret, clock, loginCodes, tokens } = backend

  return [
    {
      method: 'POST',
      path: '/api/apps/v2/jscode2session',
      host: HOST,
      does: 'a code of `tt.login()` becomes openid and session_key, an anonymous one an anonymous_openid',
      source: `${DOCS}/log-in/code-2-session`,
      grade: 'documented',
      guess: 'the form of ids; that a user is the same anonymous one on all their phones',
      handle: ({ body }) => exchange(parse(body), (data) => ({ ...SUCCESS, log_id: logId(), data })),
    },
    {
      method: 'GET',
      path: V1,
      host: HOST,
      does: 'the same, as it was before, in the query',
      source: 'https://m.w3cschool.cn/microapp/microapp-jdxg36av.html',
      grade: 'seen',
      guess: 'fields of a success beside the documented three',
      handle: ({ query }) => exchange(Object.fromEntries(query), (data) => ({ error: 0, ...data })),
    },
    {
      method: 'POST',
      path: '/api/apps/v2/token',
      host: HOST,
      does: 'an access_token',
      source: 'https://douyin.apifox.cn/api-128966445',
      grade: 'documented',
      guess: 'the text of a wrong grant_type',
      handle({ body }: ApiRequest): Outcome {
        const { appid, secret, grant_type } = parse(body)
        if (appid !== appId) return refuse(40015)
        if (secret !== appSecret) return refuse(40017)
        if (grant_type !== 'client_credential') return refuse(40020)
        return answer({ ...SUCCESS, log_id: logId(), data: tokens.issue() })
      },
    },
  ]

  function exchange(fields: Body, success: (data: Body) => Body): Outcome {
    const { appid, secret, code, anonymous_code: anonymousCode } = fields
    if (appid !== appId) return refuse(40015)
    if (secret !== appSecret) return refuse(40017)
    const user = code ? loginCodes.redeem(String(code)) : undefined
    if (typeof user === 'string') return refuse(40018)
    const phone = anonymousCode ? anonymousCodes.redeem(String(anonymousCode)) : undefined
    if (typeof phone === 'string') return refuse(40019)
    if (user === undefined && phone === undefined) return refuse(40018)

    return answer(
      success({
        session_key: user?.sessionKey?.text ?? '',
        openid: user?.openId ?? '',
        anonymous_openid: phone === undefined ? '' : openIdOf('anonymous', appId, phone.name),
        unionid: user?.unionId ?? '',
      }),
    )
  }

  function logId(): string {
    return randomLogId(clock.now())
  }
}

export interface DouyinBackend extends Backend {
  anonymousCodes: Codes
}

const SUCCESS: Body = { err_no: 0, err_tips: 'success' }

const TIPS: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40015: 'bad appid',
  40017: 'bad secret',
  40018: 'bad code',
  40019: 'bad anonymous code',
  40020: 'bad grant_type',
}

/** Version 2 says err_no and err_tips; version 1, errcode, errmsg, error and message, as was seen. */
export function douyinDialect(clock: Clock): Dialect {
  return {
    refusal(errcode, path, errmsg = TIPS[errcode] ?? 'error') {
      if (path === V1) return { errcode, errmsg, error: 3, message: errmsg }
      return { err_no: errcode, err_tips: errmsg, log_id: randomLogId(clock.now()), data: null }
    },
    errcodeOf({ err_no, errcode }) {
      const code = err_no ?? errcode
      return typeof code === 'number' && code !== 0 ? code : undefined
    },
    contentType: () => 'application/json; charset=utf-8',
  }
}
