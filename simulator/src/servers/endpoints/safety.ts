import { randomInt, randomUUID } from 'node:crypto'
import type { User } from '../accounts.js'
import type { ApiRequest } from '../answer.js'
import { type Backend, DOCS, WECHAT_HOST } from '../backend.js'
import { checkJson, type Endpoint, type Outcome, ok, parse, refuse } from '../endpoint.js'
import { isOpenId } from '../ids.js'

/** A user is known for two hours after they last used the mini program: both pages. */
const VISIT = 2 * 60 * 60_000

/** The most characters of a text: the same page. */
const MAX_CONTENT = 2500

/** Labels of the same page: nothing found, and "other". */
const HARMLESS = 100
const OTHER = 21000

/** What WeChat thinks of users, and of what they write. */
export function safetyEndpoints(backend: Backend): Endpoint[] {
  const { appId, clock, accounts, tokens, badWords } = backend
  const host = WECHAT_HOST

  return [
    {
      method: 'POST',
      path: '/wxa/getuserriskrank',
      host,
      does: 'how risky a user is, 0 to 4',
      source: `${DOCS}/sec-center/safety-control-capability/api_getuserriskrank.html`,
      grade: 'documented',
      guess: 'that an openid is looked at before the scene',
      handle: getRiskRank,
    },
    {
      method: 'POST',
      path: '/wxa/msg_sec_check',
      host,
      does: 'whether a text may be shown',
      source: `${DOCS}/sec-center/sec-check/api_msgseccheck.html`,
      grade: 'documented',
      guess: 'what is risky: the texts that contain one of `badWords`',
      limits: [
        { max: 4000, per: 'minute', errcode: 45011 },
        { max: 2_000_000, per: 'day', errcode: 45009 },
      ],
      handle: checkText,
    },
  ]

  function getRiskRank({ query, body }: ApiRequest): Outcome {
    const wrong = tokens.check(query.get('access_token')) || checkJson(body)
    if (wrong !== 0) return refuse(wrong)
    const { appid, openid, scene } = parse(body)
    const user = appid === appId ? userOf(openid) : 43104
    if (typeof user === 'number') return refuse(user)
    if (scene !== 0 && scene !== 1) return refuse(40129)
    if (!isHere(user)) return refuse(61010)
    // Their spelling. It names the call, not the user.
    return ok({ errmsg: 'getuserriskrank succ', risk_rank: user.risk, unoin_id: randomInt(2 ** 40) })
  }

  function checkText({ query, body }: ApiRequest): Outcome {
    const wrong = tokens.check(query.get('access_token')) || checkJson(body)
    if (wrong !== 0) return refuse(wrong)
    const { openid, scene, version, content, nickname, title, signature } = parse(body)
    if (version !== 2 || typeof content !== 'string' || content === '') return refuse(40097)
    if ([...content].length > MAX_CONTENT) return refuse(40097)
    if (typeof scene !== 'number' || ![1, 2, 3, 4].includes(scene)) return refuse(40129)
    const user = userOf(openid)
    if (typeof user === 'number') return refuse(user)
    if (!isHere(user)) return refuse(61010)

    const keyword = badWords.find((word) => {
      return [content, nickname, title, signature].some((text) => String(text ?? '').includes(word))
    })
    const verdict = keyword === undefined ? PASS : { suggest: 'risky', label: OTHER }
    const found =
      keyword === undefined ? [] : [{ strategy: 'keyword', errcode: 0, level: 90, ...verdict, keyword }]
    return ok({
      trace_id: randomUUID(),
      result: verdict,
      detail: [{ strategy: 'content_model', errcode: 0, ...verdict, prob: 90 }, ...found],
    })
  }

  /** The user; or an errcode: what looks like an openid may be one of another app. */
  function userOf(openid: unknown): User | number {
    if (typeof openid !== 'string' || !isOpenId(openid)) return 40003
    return accounts.byOpenId(openid) ?? 43104
  }

  function isHere({ visitedAt }: User): boolean {
    return visitedAt !== undefined && clock.now() - visitedAt < VISIT
  }
}

const PASS = { suggest: 'pass', label: HARMLESS }
