import { credentialIn, type Head } from './answer.js'
import type { Cookies } from './cookies.js'
import { allAnswered } from './in-flight.js'
import type { RequestAuth } from './request-auth.js'
import type { SessionStorage, StoredSession } from './storage.js'
import type { Header } from './wx.js'

/** What requests name their session by, from the login to the end, and what answers say of it meanwhile. */
export interface Credentials {
  /** What requests carry now, if there is a session whose cookies have not expired. */
  current(): Header | undefined
  /** A session begins. `code`: its credential, unless the answer brings another. */
  begin(code: Header, url: string, head: Head): void
  /** The same, or the session that somebody else has stored: another copy of this client. */
  find(): Header | undefined
  /** What a request to a URL carries. Until it is answered, its answer may bring another credential. */
  carry(url: string): RequestAuth
  /**
   * The answer to a request has begun. Without `head`: no answer to it can come any more. Returns whether it could until
   * now.
   */
  answered(auth: RequestAuth, head?: Head): boolean
  /**
   * The server does not know this credential any more. Resolves when it is known what that means: whether the session
   * has ended.
   */
  expired(auth: RequestAuth): Promise<boolean>
  /** Forgets the session, and its cookies. */
  drop(): void
}

export interface CredentialsOptions {
  cookies: Cookies
  storage: SessionStorage
  /** Of the names of headers in requests. */
  prefix: string
  /** Whether the server has sessions of its own, in cookies. Then there is always a session, which never ends. */
  isForeign: boolean
  onChange(isLoggedIn: boolean): void
  /** The user leaves this session: now, with its cookies; or has left before it was there (`isLate`). */
  onLeft: ((credential: Header, isLate?: boolean) => void) | undefined
}

export function createCredentials({
  cookies: { livingCookies, readCookies },
  storage,
  prefix,
  isForeign,
  onChange,
  onLeft,
}: CredentialsOptions): Credentials {
  const { session, save } = storage
  /** Requests that carry the session, and whose answer may bring another credential. */
  const inFlight = new Set<RequestAuth>()
  if (isForeign) session.credential = {}

  return { current, begin, find, carry, answered, expired, drop }

  function current(): Header | undefined {
    // Where its cookies have expired, the server would answer as to nobody, and not refuse.
    if (isInCookies(session.credential) && !livingCookies(session)[0]) lose()
    return session.credential
  }

  function begin(code: Header, url: string, head: Head): void {
    // Answers that are still on their way belong to the session before.
    inFlight.clear()
    session.isInCookies = readCookies(session, url, head) && !!livingCookies(session)[0]
    update({ credential: credentialIn(head, prefix) || code, previous: undefined })
    onChange(true)
  }

  function find(): Header | undefined {
    if (!current() && adopt()) onChange(true)
    return current()
  }

  function adopt(): boolean {
    // Answers that are still on their way belong to another session.
    inFlight.clear()
    return storage.adopt()
  }

  function carry(url: string): RequestAuth {
    const auth = { header: current() as Header, url }
    inFlight.add(auth)
    return auth
  }

  function answered(auth: RequestAuth, head?: Head): boolean {
    // An answer is heard twice: when its header arrives, and when it ends. By then there may be a newer credential, so
    // only the first time counts.
    const isFirst = inFlight.delete(auth)
    const { credential } = session
    const late = auth.isLeft && head && credentialIn(head, prefix)
    if (late && onLeft) onLeft(late, true)
    if (!isFirst || !head || !credential) return isFirst
    const hasCookies = readCookies(session, auth.url as string, head)
    const received = !isForeign && credentialIn(head, prefix)
    if (received && JSON.stringify(received) !== JSON.stringify(credential)) {
      // Two requests with the same credential may each bring another one. The last is tried first:
      //   request 1 with A ────────────── answer with C
      //   request 2 with A ─── answer with B             the next requests try C, then B
      update({ credential: received, previous: auth.header === credential ? undefined : credential })
    } else if (hasCookies && isInCookies(credential)) {
      // Requests that were sent before do not carry these cookies. A refusal of them must not end the session, so the
      // session gets a credential object of its own. This answer itself may be a refusal, which takes its cookie back.
      const renewed = Object.assign({}, credential)
      if (auth.header === credential) auth.header = renewed
      update({ credential: renewed })
    } else if (hasCookies) save()
    return true
  }

  /**
   * A server ends the old credential at once when it gives another, and the answer with the new one may still be on its
   * way. So a refusal is believed when no such answer can come any more:
   *
   *     request 1 ─── server changes A to B ─────────── answer with B
   *     request 2 ─── server refuses A ─── refusal ─ ─ ─ ─ waits ─ ─ ─ sent again with B
   */
  async function expired({ header }: RequestAuth): Promise<boolean> {
    if (session.previous === header) session.previous = undefined
    // A code does not change, except where the session may be in cookies.
    const mayChange = inFlight.size && (!header[`${prefix}Code`] || isInCookies(header))
    if (mayChange) await allAnswered(inFlight, () => session.credential === header)

    const { credential, previous } = session
    if (isForeign || credential !== header) return false
    if (!previous) return lose()
    update({ credential: previous, previous: undefined })
    return false
  }

  /** The session is no good any more. If somebody has stored another meanwhile, it takes its place. */
  function lose(): boolean {
    if (adopt()) return false
    end()
    return true
  }

  function update(changes: StoredSession): void {
    Object.assign(session, changes)
    save()
  }

  /** Whether the server may know the session by cookies. It may also know it by the code alone, so both are sent. */
  function isInCookies(credential: Header | undefined): boolean {
    return !!(session.isInCookies && credential && credential[`${prefix}Code`])
  }

  function drop(): void {
    if (onLeft) {
      // Their answers may still bring the credential that lives.
      for (const auth of inFlight) auth.isLeft = true
      for (const credential of [session.credential, session.previous]) if (credential) onLeft(credential)
      // The storage is emptied, so what another copy has stored is left too.
      if (storage.adopt()) onLeft(session.credential as Header)
    }
    inFlight.clear()
    Object.assign(session, { cookies: undefined, previous: undefined })
    end()
  }

  function end(): void {
    const hasEnded = session.credential && !isForeign
    // Also if there is no session: the storage may have failed to clear the last one.
    update({ credential: isForeign ? {} : undefined })
    if (hasEnded) onChange(false)
  }
}
