import { randomRid } from './ids.js'

/** A call of WeChat's API, whichever way it came. */
export interface ApiRequest {
  method: string
  path: string
  query: URLSearchParams
  body: string
}

/** An HTTP answer of WeChat's API. */
export interface Answer {
  status: number
  contentType: string
  body: string
}

/** What becomes of a call: an answer or none, after `delay` milliseconds. */
export interface Reply {
  delay: number
  outcome: Answer | 'hang' | 'lost' | 'reset'
}

/** The fields of an answer's JSON. */
export type Body = Record<string, unknown>

/**
 * The texts that WeChat puts next to its errcodes:
 * developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html
 */
const ERRMSG: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40013: 'invalid appid',
  40029: 'invalid code',
  40125: 'invalid appsecret',
  40163: 'code been used',
  40164: 'invalid ip 127.0.0.1, not in whitelist',
  40226: 'code blocked',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41008: 'missing code',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  87008: 'invalid sig_method',
  87009: 'invalid signature',
}

/** A refusal's body, with the trace id that WeChat's support asks for. */
export function refusal(errcode: number, now: number, errmsg: string = ERRMSG[errcode] ?? 'error'): Body {
  return { errcode, errmsg: `${errmsg}, rid: ${randomRid(now)}` }
}

/**
 * A body as WeChat sends it: status 200 even for a refusal, and `text/plain` although it is JSON:
 * developers.weixin.qq.com/community/develop/doc/000c464f6501d82b074d5f5055b000
 */
export function answerWith(body: Body): Answer {
  return { status: 200, contentType: 'text/plain', body: JSON.stringify(body) }
}

/** A page as a gateway in front of WeChat sends it. */
export function htmlPage(status: number, body?: string): Answer {
  const page = `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n</body>\r\n</html>\r\n`
  return { status, contentType: 'text/html', body: body ?? page }
}
