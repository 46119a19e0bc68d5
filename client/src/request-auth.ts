import type { Header } from './wx.js'
import type { LoginData } from './wx-login.js'

/** What one request carries. `header` is sent with it. */
export type RequestAuth =
  | { kind: 'none'; header: Header }
  /** Nothing, although it goes to one of our origins: what answers there is not the session server. */
  | { kind: 'guest'; header: Header; url: string }
  | SessionAuth
  /** A login, which no other request carries. */
  | { kind: 'login'; header: Header; url: string; login: LoginData }

/** The session. `header` is the credential itself: the same object for as long as the credential is good. */
export interface SessionAuth {
  kind: 'session'
  header: Header
  url: string
}

/** For a request that goes out without the session. */
export const NO_AUTH: RequestAuth = { kind: 'none', header: {} }
