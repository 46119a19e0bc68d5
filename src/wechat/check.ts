import type { Problem } from '../util/problem.js'
import { createCaller, type WechatCall } from './call.js'
import { ADVICE, BUSY, CODE_REFUSED, describeAnswer, RETRY_AFTER } from './errcodes.js'
import type { TransportOptions } from './transport.js'

export interface WechatCheckOptions extends TransportOptions {
  appId: string
  appSecret: string
}

/** A code that `wx.login()` never gives: it is too short. */
const NO_CODE = 'check'

class Answered extends Error {
  readonly problem: Problem | undefined

  constructor(problem?: Problem) {
    super(problem?.message)
    this.problem = problem
  }
}

/**
 * Asks WeChat for the session of a code that cannot be one. It checks the appId, the appSecret and this server's address
 * first, so "invalid code" (40029) says that all of them are right. No access_token is fetched: that would end the
 * one that another server uses.
 */
export function createWechatCheck({
  appId,
  appSecret,
  ...transport
}: WechatCheckOptions): () => Promise<Problem | undefined> {
  let call: ReturnType<typeof createCaller> | undefined
  const query = { appid: appId, secret: appSecret, js_code: NO_CODE, grant_type: 'authorization_code' }

  return async function checkWechat(): Promise<Problem | undefined> {
    // It opens connections, which most servers never need.
    call ??= createCaller({ ...transport, failed, refused })
    try {
      await call({ path: '/sns/jscode2session', query, read: () => undefined })
    } catch (error) {
      if (error instanceof Answered) return error.problem
      throw error
    }
    return undefined
  }

  function failed(_: WechatCall, status: number, message: string, why?: string): Error {
    return new Answered({
      code: `WEAPP_${status}`,
      message: `${message}${why === undefined ? '' : ` (${why})`}.`,
      fix: `Look at the DNS, the firewall and the proxy between this server and ${new URL(transport.baseUrl).host}.`,
    })
  }

  function refused(_: WechatCall, errcode: number, rid: string | undefined): Error {
    if (CODE_REFUSED.has(errcode)) return new Answered()
    // What is no appId may be an appSecret in the wrong place.
    const who = appId.startsWith('wx') ? appId : 'the appId, which does not begin with wx'
    const message = `WeChat refuses ${who} (${describeAnswer(errcode, rid)}).`
    return new Answered({ code: `WEAPP_${errcode}`, message, fix: fixOf(errcode) })
  }
}

/** Whether what was found says that WeChat cannot be used by anybody for now. */
export function isOutage(problem: Problem | undefined): boolean {
  return problem !== undefined && OUTAGES.has(problem.code)
}

const OUTAGES = new Set(['WEAPP_502', 'WEAPP_504', `WEAPP_${BUSY}`])

function fixOf(errcode: number): string {
  const advice = ADVICE[errcode]
  if (advice) return `${advice[0]?.toUpperCase()}${advice.slice(1)}.`
  if (errcode === BUSY || RETRY_AFTER[errcode] !== undefined)
    return 'WeChat is busy, or was called too often: ask again in a minute.'
  return 'Look it up: https://developers.weixin.qq.com/doc/oplatform/developers/errCode/errCode.html'
}
