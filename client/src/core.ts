/**
 * weapp-session-client/core: the session alone, for programs that count bytes.
 *
 * @module
 */
import { createCore } from './session.js'
import type { Session, SessionOptions } from './types.js'

export { isSessionError, SessionError } from './errors.js'

/** What it has: all but `headers()`. */
export type CoreSession = Omit<Session, 'headers'>

/** Options of the core. */
export type CoreOptions = Omit<SessionOptions, 'cloud' | 'logoutPath' | 'protocol'> & {
  protocol?: 'weapp-session' | '2016'
}

/**
 * The same session, without what not every program needs: it keeps no cookies (`cookieCarrier()`, `protocol: 'cookies'`),
 * knows no 云托管, tells no `logoutPath`, does not check its options, and gives no hints in the develop version.
 *
 * @example
 * const { createSession } = require('weapp-session-client/core')
 * const session = createSession({ baseUrl: 'https://api.example.com' })
 */
export function createSession(options: CoreOptions = {}): CoreSession {
  const { session } = createCore(options, {
    check() {},
    cookies: {
      withCookies: (_jar, _url, header) => header,
      readCookies: () => false,
      livingCookies: () => [],
    },
    endings: () => ({ add() {}, tell: () => Promise.resolve() }),
    wrap: (wx) => wx,
  })
  return session
}
