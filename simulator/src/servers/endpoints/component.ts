import type { ApiRequest } from '../answer.js'
import { type Backend, WECHAT_HOST } from '../backend.js'
import { answer, type Endpoint, type Outcome, parse, refuse } from '../endpoint.js'
import { createUserLimit, EXCHANGES_OF_A_USER } from './user-limit.js'

const DOCS = 'https://developers.weixin.qq.com/doc/oplatform'

/** What a third-party platform calls for a mini program whose AppSecret it does not have. */
export function componentEndpoints({ appId, clock, component, loginCodes, tokens }: Backend): Endpoint[] {
  const isTooOften = createUserLimit(clock)
  const host = WECHAT_HOST

  return [
    {
      method: 'POST',
      path: '/cgi-bin/component/api_component_token',
      host,
      does: 'a component_access_token for the ticket that WeChat pushes',
      source: `${DOCS}/Third-party_Platforms/2.0/api/ThirdParty/token/component_access_token.html`,
      grade: 'documented',
      guess: 'the order in which several mistakes are told',
      handle: getComponentToken,
    },
    {
      method: 'POST',
      path: '/cgi-bin/component/api_query_auth',
      host,
      does: 'an authorization_code becomes an authorizer_access_token and its refresh token',
      source: `${DOCS}/Third-party_Platforms/2.0/api/ThirdParty/token/authorization_info.html`,
      grade: 'documented',
      guess: 'the list of permissions has one entry',
      handle: withComponentToken(({ body }) => {
        const code = parse(body).authorization_code
        if (typeof code !== 'string' || !component.redeem(code)) return refuse(61010)
        const func_info = [{ funcscope_category: { id: 18 } }]
        return answer({ authorization_info: { authorizer_appid: appId, ...authorizerTokens(), func_info } })
      }),
    },
    {
      method: 'POST',
      path: '/cgi-bin/component/api_authorizer_token',
      host,
      does: 'another authorizer_access_token',
      source: `${DOCS}/openApi/ticket-token/api_getauthorizeraccesstoken.html`,
      grade: 'documented',
      handle: withComponentToken(({ body }) => {
        const { authorizer_appid, authorizer_refresh_token } = parse(body)
        if (authorizer_appid !== appId) return refuse(40013)
        if (!component.isAuthorized()) return refuse(61003)
        if (authorizer_refresh_token !== component.refreshToken()) return refuse(61023)
        return answer(authorizerTokens())
      }),
    },
    {
      method: 'GET',
      path: '/sns/component/jscode2session',
      host,
      does: 'a code of `wx.login()` becomes openid and session_key, for the platform',
      source: `${DOCS}/openApi/miniprogram-management/login/api_thirdpartycode2session.html`,
      grade: 'documented',
      guess: 'the order in which several mistakes are told',
      limits: [EXCHANGES_OF_A_USER],
      handle: codeToSession,
    },
  ]

  function getComponentToken({ body }: ApiRequest): Outcome {
    const { component_appid, component_appsecret, component_verify_ticket } = parse(body)
    if (!component_appid) return refuse(41018)
    if (component_appid !== component.appId) return refuse(61011)
    if (!component_appsecret) return refuse(41004)
    if (component_appsecret !== component.appSecret) return refuse(40125)
    if (component_verify_ticket !== component.verifyTicket) return refuse(61006)
    return answer({ component_access_token: component.issueToken(), expires_in: 7200 })
  }

  /** The page of 2025 names the parameter access_token, all before it component_access_token. */
  function withComponentToken(handle: (request: ApiRequest) => Outcome): Endpoint['handle'] {
    return (request) => {
      const { query, body } = request
      const wrong = component.checkToken(query.get('component_access_token') ?? query.get('access_token'))
      if (wrong !== 0) return refuse(wrong)
      return parse(body).component_appid === component.appId ? handle(request) : refuse(61011)
    }
  }

  function authorizerTokens() {
    const { access_token, expires_in } = tokens.authorizer()
    return {
      authorizer_access_token: access_token,
      expires_in,
      authorizer_refresh_token: component.refreshToken(),
    }
  }

  function codeToSession({ query }: ApiRequest): Outcome {
    const wrong = component.checkToken(query.get('component_access_token'))
    if (wrong !== 0) return refuse(wrong)
    if (query.get('component_appid') !== component.appId) return refuse(61011)
    if (!query.get('appid')) return refuse(41002)
    if (query.get('appid') !== appId) return refuse(40013)
    if (!query.get('js_code')) return refuse(41008)
    if (query.get('grant_type') !== 'authorization_code') return refuse(40002)
    if (!component.isAuthorized()) return refuse(61003)

    const user = loginCodes.redeem(query.get('js_code') ?? '')
    if (user === 'used') return refuse(40163)
    if (user === 'invalid') return refuse(40029)
    if (isTooOften(user)) return refuse(45011)
    return answer({ openid: user.openId, session_key: user.sessionKey?.text, unionid: user.unionId })
  }
}
