import { PREFIX } from '../../src/protocol.js'
import type { Answer } from './answer.js'
import type { Send } from './call.js'
import type { CookieJar, Cookies } from './cookies.js'
import { optionError } from './errors.js'
import { programOf } from './storage.js'
import type { SessionOptions } from './types.js'
import type { Origins } from './urls.js'
import { isFunction } from './util.js'
import type { Header, Wx } from './wx.js'
import type { WxOptions } from './wx-options.js'

export interface Sender {
  /** The app's header for one of our origins, with what every request there has, and what names the session. */
  headerFor(url: string, auth: Header | undefined, own?: Header): Header
  /** Makes attempts of one of the calls of `wx`. What carries no session carries the app's header alone. */
  createSend<Result>(api: keyof Wx, options: WxOptions): Send<Result>
}

export function createSender(
  wx: Wx,
  prefix: string,
  origins: Origins,
  jar: CookieJar,
  { withCookies }: Cookies,
  appId: SessionOptions['appId'],
): Sender {
  return { headerFor, createSend }

  function createSend<Result>(api: keyof Wx, options: WxOptions): Send<Result> {
    // A relative URL is a path of the base for sockets too.
    const resolved = origins.resolve(options.url)
    const url = api === 'connectSocket' ? resolved.replace(/^http/i, 'ws') : resolved
    const send = wx[api]
    if (!isFunction(send)) throw optionError(`no wx.${api}`)
    return ({ header: auth, url: isOurs, login }, { success, fail }) => {
      // The server takes JSON only. `wx.request` says so by itself, but the calls of other hosts may not.
      const added = options.isLogin ? { 'content-type': 'application/json' } : auth
      const header = isOurs ? headerFor(url, added, options.header) : Object.assign({}, options.header)
      const sent = Object.assign({}, options, {
        url,
        header,
        success,
        fail,
        complete: undefined,
        deadline: undefined,
        session: undefined,
        retries: undefined,
        ready: undefined,
        read: undefined,
      })
      // The cache of `wx` would give one login's answer to another.
      if (login) Object.assign(sent, { enableCache: false })
      if (login && options.isLogin) sent.data = login.data
      return send.call(wx, sent)
    }
  }

  function headerFor(url: string, auth: Header | undefined, own?: Header): Header {
    const id = appId === true ? programOf(wx).appId : appId
    return withCookies(jar, url, Object.assign({}, own, id && { [`${prefix}AppId`]: id }, auth))
  }
}

/** The body says what the header does, which a browser or a gateway may have taken away. */
export function readBody(answer: Answer): Answer {
  const { login, session, token } = Object(answer.data) as Record<string, unknown>
  const said = { [`${PREFIX}Login`]: login, [`${PREFIX}Session`]: session, [`${PREFIX}Token`]: token }
  return Object.assign(answer, { header: Object.assign(said, answer.header) })
}
