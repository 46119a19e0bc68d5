import { PREFIX } from '../../src/protocol.js'
import type { Answer } from './answer.js'
import type { Outgoing, Send } from './call.js'
import { type CookieJar, withCookies } from './cookies.js'
import { optionError } from './errors.js'
import { NO_AUTH } from './request-auth.js'
import type { SessionOptions } from './types.js'
import type { Origins } from './urls.js'
import type { Header, Wx, WxResponse, WxTask } from './wx.js'

/** What all calls of `wx` that are used here take. */
export interface WxOptions {
  url: string
  header?: Header | undefined
  method?: string
  data?: string | object | ArrayBuffer | undefined
}

/** Makes attempts of one of the calls of `wx`. */
export type Sender = <Result>(api: keyof Wx, options: WxOptions) => Send<Result>

export function createSender(
  wx: Wx,
  prefix: string,
  origins: Origins,
  cookies: CookieJar,
  { appId, cloud }: SessionOptions,
): Sender {
  return <Result>(api: keyof Wx, options: WxOptions): Send<Result> => {
    const url = origins.resolve(options.url)
    const container = origins.isOurs(url) && cloud
    const host = container ? api === 'request' && Object(wx.cloud) : wx
    const start = host[container ? 'callContainer' : api] as ((options: object) => unknown) | undefined
    if (!start) throw optionError(`no ${container ? 'wx.cloud' : 'wx'}.${api}`)
    return (auth, { success, fail }) => {
      const header = Object.assign({}, headerFor(url, options.header), auth.header)
      const sent = Object.assign({}, options, { url, header, success, fail, complete: undefined })
      if (!container) return start.call(host, sent) as WxTask
      const { env, service } = container
      Object.assign(header, { 'X-WX-SERVICE': service })
      Object.assign(sent, { config: { env }, path: url.slice(env.length + 8) })
      // It calls back, or gives a promise, or both. What else it gives is no answer.
      Promise.resolve(start.call(host, sent)).then(
        (result) => Object(result).statusCode && success(result as Result),
        fail,
      )
      return undefined
    }
  }

  /** The app's header, with what every request to our origins has beside the session. */
  function headerFor(url: string, own: Header | undefined): Header | undefined {
    if (!origins.isOurs(url)) return own
    const info = appId === true && wx.getAccountInfoSync && wx.getAccountInfoSync()
    const id = info ? info.miniProgram.appId : appId !== true && appId
    return withCookies(cookies, url, Object.assign({}, own, id && { [`${prefix}AppId`]: id }))
  }
}

/** Methods that may be repeated: doing them twice is doing them once (RFC 9110, 9.2.2). */
const SAFE = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/i

export function requestOf<Data>(sender: Sender, options: WxOptions): Outgoing<WxResponse<Data>> {
  return { send: sender<WxResponse<Data>>('request', options), isSafe: SAFE.test(options.method || 'GET') }
}

/**
 * A request for nothing but a login. It goes to `loginPath` with a JSON body, `{ code, rawData, signature }` or the code
 * alone; or, because a server logs in whatever it is asked, to any URL.
 */
export function loginOf(sender: Sender, url: string, loginPath: string | undefined): Outgoing<unknown> {
  const send = loginPath ? loginPathSend(sender, loginPath) : sender<unknown>('request', { url })
  return { send, read: loginPath ? readBody : undefined, isSafe: true, isLoginOnly: true }
}

function loginPathSend(sender: Sender, url: string): Send<unknown> {
  return (auth, callbacks) => {
    const data = auth.login && auth.login.data
    // The server takes JSON only. `wx.request` says so by itself, but the calls of other hosts may not.
    const options = { url, method: 'POST', header: { 'content-type': 'application/json' }, data }
    return sender<unknown>('request', options)(NO_AUTH, callbacks)
  }
}

/** The body says what the header does, which a browser or a gateway may have taken away. */
function readBody(answer: Answer): Answer {
  const { login, session, token } = Object(answer.data) as Record<string, unknown>
  const said = { [`${PREFIX}Login`]: login, [`${PREFIX}Session`]: session, [`${PREFIX}Token`]: token }
  return Object.assign(answer, { header: Object.assign(said, answer.header) })
}
