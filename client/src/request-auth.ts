import type { Header } from './wx.js'
import type { LoginData } from './wx-login.js'

/** What one request carries. `header` is sent with it. */
export type RequestAuth =
  | { kind: 'none'; header: Header }
  /** The session. `header` is the credential itself: the same object for as long as the credential is good. */
  | { kind: 'session'; header: Header; url: string }
  /** A login, which no other request carries. */
  | { kind: 'login'; header: Header; url: string; login: LoginData }

/** For a request that goes out without the session. */
export const NO_AUTH: RequestAuth = { kind: 'none', header: {} }
