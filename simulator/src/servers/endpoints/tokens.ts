import { checkTokenCall } from '../app-check.js'
import { type Backend, WECHAT_HOST } from '../backend.js'
import { answer, type Endpoint, type Limit, type Outcome, parse, refuse } from '../endpoint.js'

/** So often a day may a new stable token be forced. */
const FORCED: Limit = { max: 20, per: 'day', which: 'with force_refresh', errcode: 45009 }

/** Both ways to an access_token. */
export function tokenEndpoints(backend: Backend): Endpoint[] {
  const { tokens, quotas } = backend
  const host = WECHAT_HOST

  return [
    {
      method: 'GET',
      path: '/cgi-bin/token',
      host,
      does: 'an access_token; the one before stays five minutes',
      source: 'https://developers.weixin.qq.com/minigame/dev/api/open-api/access-token/getAccessToken.html',
      grade: 'seen',
      guess: 'the order of what is told after a wrong appid',
      // Of new accounts: developers.weixin.qq.com/doc/offiaccount/Message_Management/API_Call_Limits.html
      limits: [{ max: 2000, per: 'day', errcode: 45009 }],
      handle({ query }) {
        const wrong = checkTokenCall(Object.fromEntries(query), backend)
        return wrong === 0 ? answer(tokens.issue()) : refuse(wrong)
      },
    },
    {
      method: 'POST',
      path: '/cgi-bin/stable_token',
      host,
      does: 'an access_token, the same for all who ask; forcing another within 30 s forces nothing',
      source: 'https://developers.weixin.qq.com/doc/subscription/api/base/api_getstableaccesstoken.html',
      grade: 'documented',
      guess: 'that what comes within 30 s counts as one of the 20, and is no refusal for that alone',
      limits: [
        { max: 10_000, per: 'minute', errcode: 45011 },
        { max: 500_000, per: 'day', errcode: 45009 },
        FORCED,
      ],
      handle({ body }) {
        const fields = parse(body)
        const wrong = checkTokenCall(fields, backend)
        if (wrong !== 0) return refuse(wrong)
        return fields.force_refresh === true ? force() : answer(tokens.stable(false))
      },
    },
  ]

  function force(): Outcome {
    const broken = quotas.take('/cgi-bin/stable_token force_refresh', [FORCED])
    return broken === 0 ? answer(tokens.stable(true)) : refuse(broken)
  }
}
