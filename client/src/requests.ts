import { APP_ID_HEADER, CODE_HEADER, RAW_DATA_HEADER, SIGNATURE_HEADER } from '../../src/protocol.js'
import type { Outgoing, Send } from './call.js'
import { type CookieJar, withCookies } from './cookies.js'
import { optionError } from './errors.js'
import { readRefusal } from './refusal.js'
import { NO_AUTH } from './request-auth.js'
import type { SessionOptions } from './types.js'
import type { Origins } from './urls.js'
import type { Header, Wx, WxResponse, WxTask } from './wx.js'

/** What all calls of `wx` that are used here take. */
export interface WxOptions {
  url: string
  header?: Header | undefined
  method?: string
  data?: string | object | ArrayBuffer
}

/** Makes attempts of one of the calls of `wx`. */
export type Sender = <Result>(api: keyof Wx, options: WxOptions) => Send<Result>

export interface SenderOptions {
  wx: Wx
  origins: Origins
  cookies: CookieJar
  appId: SessionOptions['appId']
}

export function createSender({ wx, origins, cookies, appId }: SenderOptions): Sender {
  return <Result>(api: keyof Wx, options: WxOptions): Send<Result> => {
    const start = wx[api] as ((options: object) => WxTask) | undefined
    if (!start) throw optionError(`no wx.${api}`)
    const url = origins.resolve(options.url)
    return (auth, { success, fail }) => {
      const header = Object.assign({}, headerFor(url, options.header), auth.header)
      return start.call(wx, Object.assign({}, options, { url, header, success, fail, complete: undefined }))
    }
  }

  /** The app's header, with what every request to our origins has beside the session. */
  function headerFor(url: string, own: Header | undefined): Header | undefined {
    if (!origins.isOurs(url)) return own
    const id = appId === true ? wx.getAccountInfoSync().miniProgram.appId : appId
    return withCookies(cookies, url, Object.assign({}, own, id && { [APP_ID_HEADER]: id }))
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
  return { send, isSafe: true, isLoginOnly: true }
}

function loginPathSend(sender: Sender, url: string): Send<unknown> {
  return ({ header }, { success, fail }) => {
    const rawData = header[RAW_DATA_HEADER] && decodeURIComponent(header[RAW_DATA_HEADER])
    const data = { code: header[CODE_HEADER], rawData, signature: header[SIGNATURE_HEADER] }
    // The server takes JSON only. `wx.request` says so by itself, but the calls of other hosts may not.
    const options = { url, method: 'POST', header: { 'content-type': 'application/json' }, data }
    return sender<WxResponse>('request', options)(NO_AUTH, { success: answered, fail })

    function answered(response: WxResponse): void {
      const { statusCode } = response
      // If the server has no such path, something else answers.
      if (statusCode < 300 || readRefusal(response)) success(response)
      else fail({ errMsg: `request:fail ${statusCode} ${url}` })
    }
  }
}
