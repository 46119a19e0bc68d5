import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.js'
import type { Accounts } from '../accounts.js'
import type { ApiRequest } from '../answer.js'
import type { Codes } from '../codes.js'
import { type Dialect, wechatDialect } from '../dialect.js'
import { answer, type Endpoint, type Outcome, refuse } from '../endpoint.js'
import { errmsgOf } from '../errmsg.js'
import type { Tokens } from '../tokens.js'

const HOST = 'qyapi.weixin.qq.com'

/** An enterprise of 企业微信 (WeCom), and its app that the mini program is linked with. */
export interface WecomBackend {
  corpId: string
  corpSecret: string
  /** The users as WeCom knows them: with session_keys of their own. */
  accounts: Accounts
  /** Codes of `wx.qy.login()`. */
  codes: Codes
  tokens: Tokens
}

/** What an enterprise's own server calls. WeChat's endpoints are at their host as always. */
export function wecomEndpoints({ corpId, corpSecret, codes, tokens }: WecomBackend): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/cgi-bin/gettoken',
      host: HOST,
      does: 'an access_token of the enterprise’s app, the same until it is nearly over',
      source: 'https://developer.work.weixin.qq.com/document/path/91039',
      grade: 'documented',
      guess: 'the texts, but for their beginnings',
      handle({ query }) {
        if (!query.get('corpid')) return refuse(41002, { errmsg: 'corpid missing' })
        if (!query.get('corpsecret')) return refuse(41004, { errmsg: 'corpsecret missing' })
        if (query.get('corpid') !== corpId) return refuse(40013, { errmsg: 'invalid corpid' })
        if (query.get('corpsecret') !== corpSecret) return refuse(40001, { errmsg: 'invalid credential' })
        return answer({ errcode: 0, errmsg: 'ok', ...tokens.stable(false) })
      },
    },
    {
      method: 'GET',
      path: '/cgi-bin/miniprogram/jscode2session',
      host: HOST,
      does: 'a code of `wx.qy.login()` becomes corpid, userid and session_key',
      source: 'https://developer.work.weixin.qq.com/document/path/96959',
      grade: 'documented',
      guess: 'that a used code is told like an unknown one',
      handle: codeToSession,
    },
  ]

  function codeToSession({ query }: ApiRequest): Outcome {
    const wrong = tokens.check(query.get('access_token'))
    if (wrong === 41001 || wrong === 42001) return refuse(wrong)
    if (wrong !== 0) return refuse(40014)
    if (query.get('grant_type') !== 'authorization_code') return refuse(40002)
    const user = codes.redeem(query.get('js_code') ?? '')
    if (typeof user === 'string') return refuse(40029)
    const session_key = user.sessionKey?.text
    return answer({ errcode: 0, errmsg: 'ok', corpid: corpId, userid: user.name, session_key })
  }
}

const PATHS = ['/cgi-bin/gettoken', '/cgi-bin/miniprogram/jscode2session']

/** WeCom's texts end with where to look them up; those of WeChat's own endpoints are WeChat's. */
export function wecomDialect(clock: Clock): Dialect {
  const wechat = wechatDialect(clock)
  return {
    ...wechat,
    refusal(errcode, path, errmsg = errmsgOf(errcode, path)) {
      if (!PATHS.includes(path)) return wechat.refusal(errcode, path, errmsg)
      const hint = `${Math.floor(clock.now() / 1000)}${randomBytes(6).toString('hex')}`
      const more = `hint: [${hint}], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=${errcode}`
      return { errcode, errmsg: `${errmsg}, ${more}` }
    },
    contentType: (path) =>
      PATHS.includes(path) ? 'application/json; charset=UTF-8' : wechat.contentType(path),
  }
}
