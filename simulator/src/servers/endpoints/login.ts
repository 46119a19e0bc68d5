import type { User } from '../accounts.js'
import type { ApiRequest } from '../answer.js'
import { checkExchange } from '../app-check.js'
import { type Backend, DOCS, WECHAT_HOST } from '../backend.js'
import { answer, type Endpoint, type Outcome, ok, refuse } from '../endpoint.js'
import { signingUser } from '../user-signature.js'
import { createUserLimit, EXCHANGES_OF_A_USER } from './user-limit.js'

/** A code becomes a session_key, which can be asked about and changed. */
export function loginEndpoints(backend: Backend): Endpoint[] {
  const { clock, accounts, loginCodes, tokens } = backend
  const isTooOften = createUserLimit(clock)
  const host = WECHAT_HOST

  return [
    {
      method: 'GET',
      path: '/sns/jscode2session',
      host,
      does: 'a code of `wx.login()` becomes openid and session_key',
      source: `${DOCS}/user-login/api_code2session.html`,
      grade: 'seen',
      guess: 'the order in which several mistakes are told',
      limits: [EXCHANGES_OF_A_USER],
      handle: codeToSession,
    },
    {
      method: 'GET',
      path: '/wxa/checksession',
      host,
      does: 'whether a session_key is the user’s',
      source: `${DOCS}/user-login/api_checksessionkey.html`,
      grade: 'documented',
      handle: ({ query }) => bySignature(query, () => ok()),
    },
    {
      method: 'GET',
      path: '/wxa/resetusersessionkey',
      host,
      does: 'another session_key for a user',
      source: `${DOCS}/user-login/api_resetusersessionkey.html`,
      grade: 'documented',
      limits: [{ max: 60_000, per: 'minute', errcode: 45011 }],
      handle: ({ query }) =>
        bySignature(query, (user) =>
          ok({ openid: user.openId, session_key: accounts.resetSessionKey(user) }),
        ),
    },
  ]

  function codeToSession({ query }: ApiRequest): Outcome {
    const wrong = checkExchange(Object.fromEntries(query), backend)
    if (wrong !== 0) return refuse(wrong)

    const user = loginCodes.redeem(query.get('js_code') ?? '')
    if (user === 'used') return refuse(40163)
    if (user === 'invalid') return refuse(40029)
    if (isTooOften(user)) return refuse(45011)

    // Real successes have no errcode, although the documented example shows one:
    // developers.weixin.qq.com/community/develop/doc/0008c84fd601c8ddcd29648955bc00
    return answer({ session_key: user.sessionKey?.text, openid: user.openId, unionid: user.unionId })
  }

  function bySignature(query: URLSearchParams, then: (user: User) => Outcome): Outcome {
    const wrong = tokens.check(query.get('access_token'))
    if (wrong !== 0) return refuse(wrong)
    const user = signingUser(query, accounts)
    return typeof user === 'number' ? refuse(user) : then(user)
  }
}
