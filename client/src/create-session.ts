import { livingCookies, readCookies, withCookies } from './cookies.js'
import { optionError } from './errors.js'
import { createHint } from './hints.js'
import { checkOptions } from './options.js'
import { createCore } from './session.js'
import type { RequestOptions, Session, SessionOptions } from './types.js'
import { containerWx, guardedWx } from './wrapped-wx.js'

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
  const core = createCore(options, {
    cookies: { withCookies, readCookies, livingCookies },
    hints: createHint,
    wrap: (wx, base) => guardedWx(cloud ? containerWx(wx, `${base}`, cloud) : wx, start),
  })
  return Object.assign({}, core, { request })

  function request<Data>(options: RequestOptions<Data>) {
    if (isSending) throw optionError('wx calls this session: give it a copy, { wx: { ...wx } }')
    return core.request<Data>(options)
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
