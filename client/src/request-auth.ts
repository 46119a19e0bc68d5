import type { Header } from './wx.js'
import type { LoginData } from './wx-login.js'

/** What one request carries: the session, or a login. */
export interface RequestAuth {
  /**
   * What is sent with it. Of the session it is the credential itself: the same object for as long as the credential is
   * good. It is empty where something else than the session server answers, and there is no session.
   */
  header: Header
  /** Where it goes, without a query. `undefined`: it goes out without the session, and its answer says nothing of it. */
  url?: string
  /** The login, which no other request carries. */
  login?: LoginData
  /** The user has left since it was sent. */
  isLeft?: boolean
}

/** For a request that goes out without the session. */
export const NO_AUTH: RequestAuth = { header: {} }
