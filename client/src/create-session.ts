import { livingCookies, readCookies, withCookies } from './cookies.js'
import { createEndings } from './endings.js'
import { optionError } from './errors.js'
import { createHint } from './hints.js'
import { checkCall, checkOptions } from './options.js'
import { createCore } from './session.js'
import type { RequestOptions, Session, SessionOptions } from './types.js'
import { originOf } from './urls.js'
import { containerWx, guardedWx } from './wrapped-wx.js'
import type { Header } from './wx.js'

/** A path, which neither two slashes, a backslash, a space nor a scheme make another host. */
const RELATIVE = /^(?!\/\/)[^\\\s:?#]*([?#][^\\\s]*)?$/

/**
 * A session with a server that uses koa-weapp-session, however it carries its sessions.
 *
 * @throws {TypeError} when an option is unknown, or makes no sense
 *
 * @example
 * const session = createSession({ baseUrl: 'https://api.example.com' })
 * const { data } = await session.request({ url: '/me' })
 */
export function createSession(options: SessionOptions = {}): Session {
  checkOptions(options)
  const { cloud } = options
  /** While `wx` is called. A call that comes back from there would go round for ever. */
  let isSending = false
  const { session, headersFor, resolve } = createCore(options, {
    cookies: { withCookies, readCookies, livingCookies },
    check: checkCall,
    endings: createEndings,
    wrap: (wx, base) =>
      guardedWx(cloud ? containerWx(wx, `${base}`, cloud) : wx, start, createHint(wx, base)),
  })
  return Object.assign({}, session, { request, headers })

  async function headers(url = ''): Promise<Header> {
    // What a browser takes for an absolute URL is not ours.
    return ((originOf(url) || RELATIVE.test(url)) && (await headersFor(resolve(url)))) || {}
  }

  function request<Data>(options: RequestOptions<Data>) {
    if (isSending) throw optionError('wx calls this session: give it a copy, { wx: { ...wx } }')
    return session.request<Data>(options)
  }

  function start<T>(call: () => T): T {
    isSending = true
    try {
      return call()
    } finally {
      isSending = false
    }
  }
}
