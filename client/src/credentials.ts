import type { HeaderNames } from '../../src/protocol.js'
import { credentialIn, type Head } from './answer.js'
import { livingCookies, readCookies } from './cookies.js'
import { allAnswered } from './in-flight.js'
import type { RequestAuth, SessionAuth } from './request-auth.js'
import type { SessionStorage } from './storage.js'
import type { Header } from './wx.js'

/** What requests name their session by, from the login to the end, and what answers say of it meanwhile. */
export interface Credentials {
  /** Whether there is a session, whose cookies have not expired. */
  areGood(): boolean
  /** What requests carry now, if there is a session. */
  current(): Header | undefined
  /** A session begins. `code`: its credential, unless the answer brings another. */
  begin(code: Header, url: string, head: Head, since: number): void
  /** What a request to a URL carries. Until it is answered, its answer may bring another credential. */
  carry(url: string): SessionAuth
  /** The same once more, for a request that goes on after its call has ended. */
  fork(auth: RequestAuth): RequestAuth
  /** The answer to a request has begun. Without `head`: no answer to it can come any more. */
  answered(auth: RequestAuth, head?: Head): void
  /**
   * The server does not know this credential any more. Resolves when it is known what that means; if the session has
   * ended, with the time at which it began.
   */
  expired(auth: RequestAuth): Promise<number | undefined>
  /** Forgets the session, and its cookies. */
  drop(): void
}

export interface CredentialsOptions {
  storage: SessionStorage
  names: HeaderNames
  /** Whether the server has sessions of its own, in cookies. Then there is always a session, which never ends. */
  isForeign: boolean
  onChange(isLoggedIn: boolean): void
}

interface Session {
  credential: Header
  /** Unix ms; 0 for a session that was found in storage. */
  since: number
  /** The credential before, if both came at once: nobody knows which of them is the newer. */
  previous?: Header | undefined
}

export function createCredentials({ storage, names, isForeign, onChange }: CredentialsOptions): Credentials {
  const stored = storage.session
  /** Requests that carry the session, and whose answer may bring another credential. */
  const inFlight = new Set<RequestAuth>()
  let session: Session | undefined
  if (isForeign) session = { credential: {}, since: 0 }
  else if (stored.credential) session = { credential: stored.credential, since: 0 }

  return { areGood, current, begin, carry, fork, answered, expired, drop }

  function areGood(): boolean {
    // Where its cookies have expired, the server would answer as to nobody, and not refuse.
    return !!session && !(isInCookies(session.credential) && !livingCookies(stored)[0])
  }

  function current(): Header | undefined {
    return session && session.credential
  }

  function begin(code: Header, url: string, head: Head, since: number): void {
    // Answers that are still on their way belong to the session before.
    inFlight.clear()
    stored.isInCookies = readCookies(stored, url, head) && !!livingCookies(stored)[0]
    session = { credential: credentialIn(head, names) || code, since }
    save()
    onChange(true)
  }

  function carry(url: string): SessionAuth {
    return track({ kind: 'session', header: current() as Header, url })
  }

  function fork(auth: RequestAuth): RequestAuth {
    return auth.kind === 'session' ? track(Object.assign({}, auth)) : auth
  }

  function track(auth: SessionAuth): SessionAuth {
    inFlight.add(auth)
    return auth
  }

  function answered(auth: RequestAuth, head?: Head): void {
    // An answer is heard twice: when its header arrives, and when it ends. By then there may be a newer credential, so
    // only the first time counts.
    if (!inFlight.delete(auth) || auth.kind !== 'session' || !head || !session) return
    const { credential } = session
    const hasCookies = readCookies(stored, auth.url, head)
    const received = !isForeign && credentialIn(head, names)
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
  }

  /**
   * A server ends the old credential at once when it gives another, and the answer with the new one may still be on its
   * way. So a refusal is believed when no such answer can come any more:
   *
   *     request 1 ─── server changes A to B ─────────── answer with B
   *     request 2 ─── server refuses A ─── refusal ─ ─ ─ ─ waits ─ ─ ─ sent again with B
   */
  async function expired({ header }: RequestAuth): Promise<number | undefined> {
    if (isForeign) return undefined
    if (session && session.previous === header) session.previous = undefined
    // A code does not change, except where the session may be in cookies.
    const mayChange = inFlight.size && (!header[names.code] || isInCookies(header))
    if (mayChange) await allAnswered(inFlight, () => current() === header)

    if (!session || session.credential !== header) return undefined
    const { previous, since } = session
    if (!previous) {
      end()
      return since
    }
    update({ credential: previous, previous: undefined })
    return undefined
  }

  function update(changes: Partial<Session>): void {
    session = Object.assign({}, session as Session, changes)
    save()
  }

  /** Whether the server may know the session by cookies. It may also know it by the code alone, so both are sent. */
  function isInCookies(credential: Header): boolean {
    return !!stored.isInCookies && !!credential[names.code]
  }

  function drop(): void {
    inFlight.clear()
    stored.cookies = undefined
    end()
  }

  function end(): void {
    const hasEnded = !!session && !isForeign
    if (hasEnded) session = undefined
    // Also if there is no session: the storage may have failed to clear the last one.
    save()
    if (hasEnded) onChange(false)
  }

  function save(): void {
    stored.credential = isForeign ? undefined : current()
    storage.save()
  }
}
