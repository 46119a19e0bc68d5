import type { Context } from 'koa'
import type { WxUserInfo } from '../crypto/user-data.js'

/** How a session travels after login: made by `codeCarrier()`, `headerCarrier()`, `cookieCarrier()` or `jwtCarrier()`. */
export interface Carrier {
  readonly kind: CarrierKind
  /**
   * What a request carries; nothing when it carries none. No store is asked: what cannot be a credential of ours is
   * refused here.
   *
   * @throws {WeappSessionError} ERR_SESSION_EXPIRED when it is none that we gave, ERR_BAD_REQUEST when it cannot
   * be one
   */
  read(ctx: Context, appId: string): Presented | undefined | Promise<Presented | undefined>
  /** There is a session by it, so the carrier may give the same object for the next request with it: no junk is kept. */
  remember?(presented: Presented): void
  /**
   * Gives the client a credential, in the response. A carrier that has none lets the code of the login be the
   * credential.
   */
  give?(ctx: Context, given: Given): void | Promise<void>
  /** Takes the credential from the client, where that can be done. */
  take?(ctx: Context): void
  /**
   * Whether clients send the credential by themselves, wherever a request comes from, as browsers do cookies: then a
   * login has to come from a page that may log its visitors in.
   */
  readonly ambient?: boolean
  /** Whether a client forgets the credential at the session's end, and is given it anew when that is later. */
  readonly tellsEnd?: boolean
  /** Whether there are sessions without a user: they begin when something is put into them. */
  readonly anonymous?: boolean
}

/** Part of what a session is stored under. */
export type CarrierKind = 'code' | 'header' | 'cookie' | 'jwt'

/** What a request carries. */
export interface Presented {
  credential: string
  /** Whether the client is to be given the same credential anew: it was signed with an old key, or ends soon. */
  isOld?: boolean
  /** What the credential itself says of its session: believed without a store, for as long as the carrier says. */
  claims?: Claims
}

/** A session as far as a credential speaks for it. */
export interface Claims {
  user: WxUserInfo
  /** Unix ms: of the session. */
  created: number
  /** Unix ms: of the session. */
  expires: number
  /** ms that may pass until an end of the session is noticed. */
  staleness: number
}

/** What a carrier gives to a client. */
export interface Given {
  credential: string
  appId: string
  session: Omit<Claims, 'user' | 'staleness'> & { user: WxUserInfo | null }
}
