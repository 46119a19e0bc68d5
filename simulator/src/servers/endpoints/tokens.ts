import { checkTokenCall } from '../app-check.js'
import { type Backend, WECHAT_HOST } from '../backend.js'
import { answer, type Endpoint, type Outcome, parse, refuse } from '../endpoint.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Of the stable token: so often a day may a new one be forced, and so far apart (ms). */
const FORCED_A_DAY = 20
const FORCED_APART = 30_000

/** Both ways to an access_token. */
export function tokenEndpoints(backend: Backend): Endpoint[] {
  const { tokens, clock } = backend
  const host = WECHAT_HOST
  let forcedAt: number[] = []

  return [
    {
      method: 'GET',
      path: '/cgi-bin/token',
      host,
      does: 'an access_token; the one before stays five minutes',
      source: 'https://developers.weixin.qq.com/minigame/dev/api/open-api/access-token/getAccessToken.html',
      grade: 'seen',
      guess: 'the order of what is told after a wrong appid',
      handle({ query }) {
        const wrong = checkTokenCall(Object.fromEntries(query), backend)
        return wrong === 0 ? answer(tokens.issue()) : refuse(wrong)
      },
    },
    {
      method: 'POST',
      path: '/cgi-bin/stable_token',
      host,
      does: 'an access_token, the same for all who ask; another is forced 20 times a day at most, 30 s apart',
      source: 'https://developers.weixin.qq.com/doc/subscription/api/base/api_getstableaccesstoken.html',
      grade: 'documented',
      guess: 'the errcode of forcing twice in 30 s',
      limits: [
        { max: 10_000, per: 'minute', errcode: 45011 },
        { max: 500_000, per: 'day', errcode: 45009 },
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
    const now = clock.now()
    forcedAt = forcedAt.filter((at) => now - at < DAY)
    if (forcedAt.some((at) => now - at < FORCED_APART)) return refuse(45011)
    if (forcedAt.length >= FORCED_A_DAY) return refuse(45009)
    forcedAt.push(now)
    return answer(tokens.stable(true))
  }
}
