/**
 * weapp-session-client: the mini program's side of koa-weapp-session.
 *
 * @module
 */
import { createSession } from './create-session.js'
import { globalWx } from './session.js'
import type { Call, RequestOptions, Session } from './types.js'
import { EVERY } from './urls.js'
import { userInfoOf2016 } from './user-info-2016.js'
import type { Header, WxResponse } from './wx.js'

export type { Reason } from '../../src/protocol.js'
export { createSession } from './create-session.js'
export {
  type ErrorCode,
  isSessionError,
  type Phase,
  SessionError,
  type SessionErrorFields,
} from './errors.js'
export type * from './types.js'
export type * from './wx.js'

let session: Session | undefined

/**
 * The drop-in: what the original's `session-request.js` was. The same options as `wx.request`; the session goes
 * with every request that is made through it.
 *
 * @example
 * const request = require('weapp-session-client')
 * request({ url: 'https://api.example.com/me', success: ({ data }) => console.log(data) })
 */
export default function request<Data = unknown>(
  options: RequestOptions<Data> & { headers?: Header },
): Call<WxResponse<Data>> {
  // As in 2016: the session goes to every server, and its login asks who the user is.
  session =
    session ||
    createSession({ protocol: '2016', origins: [EVERY], profile: () => userInfoOf2016(globalWx()) })
  // The original read `headers`, so programs that were written for it have them there.
  const { headers, header } = Object(options) as typeof options
  return session.request(Object.assign({}, options, { header: Object.assign({}, headers, header) }))
}
