import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CarrierKind, Ids } from '../crypto/ids.js'
import type { HeaderNames } from '../protocol.js'
import type { PresentedCredential } from '../session/session.js'
import type { Sessions } from '../session/sessions.js'
import type { Successions } from '../session/succession.js'
import type { SessionStore } from '../stores/store.js'
import type { WxUserInfo } from '../wechat/user-info.js'
import type { Wire } from '../wire.js'

/** How a session travels after login: made by `codeCarrier()`, `headerCarrier()`, `cookieCarrier()` or `jwtCarrier()`. */
export interface Carrier {
  readonly kind: CarrierKind
}

/** What the server does with a carrier. */
export interface SessionCarrier extends Carrier {
  /** The credential of a session: the code of its login, or one that the server issues. */
  readonly credential: 'code' | 'issued'
  /**
   * The credential that a request carries; nothing when it carries none that may be ours. No store is asked.
   *
   * @throws {WeappSessionError} ERR_SESSION_EXPIRED when it is none that we issued, ERR_BAD_REQUEST when it cannot
   * be one
   */
  read(
    request: IncomingMessage,
    wire: Wire,
    appId: string,
  ): PresentedCredential | undefined | Promise<PresentedCredential | undefined>
  /** The credential has a session, so the carrier may return the same object for the next request with it. */
  remember?(presented: PresentedCredential): void
  /** Makes a credential ready to be sent to the client. */
  issue?(session: SessionToIssue): IssuedCredential | Promise<IssuedCredential>
  /** Takes the credential back from the client, where that can be done. */
  clear?(response: ServerResponse): void
  /**
   * Whether clients send the credential by themselves, wherever a request comes from, as browsers do cookies: then a
   * login has to come from a page that may log its visitors in, and who sends a dead one may not be able to log in.
   */
  readonly ambient?: boolean
  /** Whether a client forgets the credential at the session's end, and needs it again when that is later. */
  readonly hasExpiry?: boolean
  /** Whether there are sessions without a user: they begin when something is put into them. */
  readonly anonymous?: boolean
  /** For a credential that says itself whose session it is: finds sessions without the store, where that is enough. */
  decorate?(sessions: Sessions, tools: SessionTools): Sessions
}

/** The session that a client gets a credential of. Times in Unix ms. */
interface SessionToIssue {
  credential: string
  appId: string
  user: WxUserInfo | null
  created: number
  expires: number
}

/** A credential that is ready to be sent. */
interface IssuedCredential {
  /** Puts it into the headers of an answer, under these names. */
  put(response: ServerResponse, names: readonly HeaderNames[]): void
  /** The field of a body at `loginPath`, for clients that read no headers. */
  field?: { session: string } | { token: string }
}

/** The parts of a mini program that a carrier may need. */
export interface SessionTools {
  appId: string
  ids: Ids
  store: SessionStore
  succession: Successions
}
