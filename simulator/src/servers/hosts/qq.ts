import type { Body } from '../answer.js'
import { checkExchange, checkTokenCall } from '../app-check.js'
import type { Backend } from '../backend.js'
import type { Dialect } from '../dialect.js'
import { answer, type Endpoint, refuse } from '../endpoint.js'
import { createUserLimit, EXCHANGES_OF_A_USER } from '../endpoints/user-limit.js'
import { errmsgOf } from '../errmsg.js'

const HOST = 'api.q.qq.com'

/** QQ's mini programs: WeChat's call at another host, whose successes say that they are some. */
export function qqEndpoints(backend: Backend): Endpoint[] {
  const { clock, loginCodes, tokens } = backend
  const isTooOften = createUserLimit(clock)

  return [
    {
      method: 'GET',
      path: '/sns/jscode2session',
      host: HOST,
      does: 'a code of `qq.login()` becomes openid and session_key',
      source: 'https://m.w3cschool.cn/qqxiaochengxu/qqxiaochengxu-c5fl3875.html',
      grade: 'seen',
      guess:
        'how long a code lives; the errcodes of a wrong appid or secret, which are WeChat’s here; the content type',
      limits: [EXCHANGES_OF_A_USER],
      handle({ query }) {
        const wrong = checkExchange(Object.fromEntries(query), backend)
        if (wrong !== 0) return refuse(wrong)
        const user = loginCodes.redeem(query.get('js_code') ?? '')
        if (typeof user === 'string') return refuse(40029)
        if (isTooOften(user)) return refuse(45011)
        const { sessionKey, openId: openid, unionId: unionid } = user
        return answer({ openid, session_key: sessionKey?.text, unionid, ...NOTHING_WRONG })
      },
    },
    {
      method: 'GET',
      path: '/api/getToken',
      host: HOST,
      does: 'an access_token',
      source: 'https://q.qq.com/wiki/develop/game/server/open-port/getAccessToken.html',
      grade: 'documented',
      guess: 'the order in which several mistakes are told',
      handle({ query }) {
        const wrong = checkTokenCall(Object.fromEntries(query), backend)
        if (wrong !== 0) return refuse(wrong === WRONG_SECRET ? 40001 : wrong)
        return answer(tokens.issue())
      },
    },
  ]
}

/** WeChat's errcode of a wrong secret, which is 40001 in QQ's page. */
const WRONG_SECRET = 40125

/** As was seen of real answers; the page does not say so. */
const NOTHING_WRONG: Body = { errcode: 0, errmsg: '' }

/** No trace id is known of QQ. */
export function qqDialect(): Dialect {
  return {
    refusal: (errcode, path, errmsg = errmsgOf(errcode, path)) => ({ errcode, errmsg }),
    errcodeOf: ({ errcode }) => (typeof errcode === 'number' && errcode !== 0 ? errcode : undefined),
    contentType: () => 'application/json',
  }
}
