import type { ApiRequest } from '../answer.js'
import { type Backend, WECHAT_HOST } from '../backend.js'
import {
  answer,
  checkJson,
  type Endpoint,
  isOfAllCalls,
  type Limit,
  type Outcome,
  ok,
  parse,
  refuse,
} from '../endpoint.js'

const DOCS = 'https://developers.weixin.qq.com/doc/subscription/en/api/apimanage'
const ADDRESSES =
  'https://developers.weixin.qq.com/doc/offiaccount/en/Basic_Information/Get_the_WeChat_server_IP_address.html'

/** So often a month can counters be set to zero: api_clearquota. */
const CLEARED_A_MONTH = 10
const MONTH = 30 * 24 * 60 * 60_000

/** Addresses for documentation (RFC 5737): WeChat's own change. */
const API_ADDRESSES = ['192.0.2.1', '192.0.2.2']
const PUSH_ADDRESSES = ['198.51.100.1', '198.51.100.2']

/** Quotas and addresses. `limitsOf`: the limits of the endpoint of that path. */
export function managementEndpoints(
  { appId, appSecret, clock, strict, tokens, quotas }: Backend,
  limitsOf: (path: string) => readonly Limit[] | undefined,
): Endpoint[] {
  const host = WECHAT_HOST
  let clearedAt: number[] = []

  return [
    {
      method: 'POST',
      path: '/cgi-bin/clear_quota',
      host,
      does: 'counts of the day begin anew; with `strict`, ten times a month',
      source: 'https://developers.weixin.qq.com/doc/service/en/api/apimanage/api_clearquota.html',
      grade: 'documented',
      handle: withToken(({ body }) => (parse(body).appid === appId ? clear() : refuse(40013))),
    },
    {
      method: 'POST',
      path: '/cgi-bin/clear_quota/v2',
      host,
      does: 'the same with the AppSecret',
      source: `${DOCS}/api_clearquotabyappsecret.html`,
      grade: 'documented',
      handle({ query, body }) {
        const { appid, appsecret } = { ...Object.fromEntries(query), ...parse(body) }
        if (!appid) return refuse(41002)
        if (!appsecret) return refuse(41004)
        if (appid !== appId) return refuse(40013)
        return appsecret === appSecret ? clear() : refuse(40125)
      },
    },
    {
      method: 'POST',
      path: '/cgi-bin/openapi/quota/get',
      host,
      does: 'how often an endpoint may be called today, and was',
      source: `${DOCS}/api_getapiquota.html`,
      grade: 'documented',
      guess: 'that what has no limit here is unknown',
      handle: withToken(getQuota),
    },
    {
      method: 'GET',
      path: '/cgi-bin/get_api_domain_ip',
      host,
      does: 'addresses of the API',
      source: ADDRESSES,
      grade: 'documented',
      guess: 'the addresses, which are for documentation',
      handle: withToken(() => answer({ ip_list: API_ADDRESSES })),
    },
    {
      method: 'GET',
      path: '/cgi-bin/getcallbackip',
      host,
      does: 'addresses that messages are pushed from',
      source: ADDRESSES,
      grade: 'documented',
      guess: 'the addresses, which are for documentation',
      handle: withToken(() => answer({ ip_list: PUSH_ADDRESSES })),
    },
  ]

  function withToken(handle: (request: ApiRequest) => Outcome): Endpoint['handle'] {
    return (request) => {
      const wrong = tokens.check(request.query.get('access_token'))
      return wrong === 0 ? handle(request) : refuse(wrong)
    }
  }

  function clear(): Outcome {
    clearedAt = clearedAt.filter((at) => clock.now() - at < MONTH)
    if (strict && clearedAt.length >= CLEARED_A_MONTH) return refuse(48006)
    clearedAt.push(clock.now())
    quotas.clear()
    return ok()
  }

  function getQuota({ body }: ApiRequest): Outcome {
    const wrong = checkJson(body)
    if (wrong !== 0) return refuse(wrong)
    const path = String(parse(body).cgi_path)
    if (path.includes('/sns/')) return refuse(76022)
    const limit = limitsOf(path)?.find((limit) => limit.per === 'day' && isOfAllCalls(limit))
    if (limit === undefined) return refuse(76021)
    const used = Math.min(quotas.today(path), limit.max)
    return ok({ quota: { daily_limit: limit.max, used, remain: limit.max - used } })
  }
}
