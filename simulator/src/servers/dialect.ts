import type { Clock } from '../clock.js'
import type { Body } from './answer.js'
import { errmsgOf, isSns } from './errmsg.js'
import { randomRid } from './ids.js'

/** How the servers of one platform speak, whatever they say. */
export interface Dialect {
  /** The body of a refusal. `errmsg`: another text than the platform's own. */
  refusal(errcode: number, path: string, errmsg?: string): Body
  /** The errcode of a body that is a refusal. */
  errcodeOf(body: Body): number | undefined
  contentType(path: string): string
}

/**
 * WeChat's: status 200 even for a refusal, with the trace id that its support asks for. `sns/*` has a comma before it, the
 * rest has none; `sns/*` says `text/plain` of its JSON, as was seen:
 * developers.weixin.qq.com/community/develop/doc/000c464f6501d82b074d5f5055b000
 */
export function wechatDialect(clock: Clock): Dialect {
  return {
    refusal(errcode, path, errmsg = errmsgOf(errcode, path)) {
      const comma = isSns(path) ? ',' : ''
      return { errcode, errmsg: `${errmsg}${comma} rid: ${randomRid(clock.now())}` }
    },
    errcodeOf: ({ errcode }) => (typeof errcode === 'number' && errcode !== 0 ? errcode : undefined),
    contentType: (path) => (isSns(path) ? 'text/plain' : 'application/json; encoding=utf-8'),
  }
}
