import { CODE_HEADER } from '../../src/protocol.js'
import { breaker } from './backoff.js'
import { credentialIn } from './credential.js'
import { type Failure, wxFailure } from './errors.js'
import { EXPIRED, type Head, readRefusal } from './refusal.js'
import type { Vault } from './storage.js'
import { sleep, timeLeft } from './util.js'
import type { Header } from './wx.js'
import { CODE_LIFE, type LoginData } from './wx-login.js'

/** What a request may carry: the session, or a login that nobody else carries. */
export interface Ticket {
  /** Names the session: the same object for as long as it has the same name, so that answers count against that. */
  header: Header
  /** Set for a login. */
  login?: LoginData
  /** Where it goes, for what is kept by address. */
  url?: string
}

/** The session of this user at this server, shared by all calls. */
export interface Account {
  /**
   * The session, once there is one; or the lead: the right to log in, which exactly one call has at a time. Who is
   * gone by then gets nothing. Rejects with a {@link Failure} while logins are blocked. `url`: where the call goes.
   */
  board(isGone: () => boolean, url: string): Promise<Ticket | undefined>
  /** A request with the session has got the beginning of its answer, which may rename it; or will get none. */
  answered(ticket: Ticket, head?: Head): void
  /** The leader's request was answered, and not with a refusal: that is the session, by its code or a name it got. */
  accepted(ticket: Ticket, head: Head): void
  /** The leader gives up the lead, and the next call takes over; after a failure, not at once, or not for so many ms. */
  released(failure?: Failure, ms?: number): void
  /**
   * The server does not know the session by this name any more. Ignored when it has another already, or another has
   * taken its place.
   */
  expired(ticket: Ticket): void | Promise<void>
  /** From now on the session has this name. */
  renamed(header: Header): void
  /** The user leaves. */
  leave(): void
  /** What names the session, where there is one. */
  current(): Header | undefined
}

/** ms in which a second session that dies young stops all further logins. */
const WINDOW = 60_000

export function account(
  getLoginData: () => Promise<LoginData>,
  vault: Vault,
  changed: (isLoggedIn: boolean) => void,
): Account {
  const logins = breaker<Failure>()
  let header = vault.load()
  /** Unix ms of the session's login; for one that was found in storage, long ago. */
  let since = 0
  /** Who waits for the leader; `undefined` while nobody leads. */
  let waiting: (() => void)[] | undefined
  /** What the leader offers to the server: never offered again. */
  let offered: LoginData | undefined
  /** A login that was not offered yet: it outlives a leader that is aborted. */
  let fresh: Promise<LoginData> | undefined
  let lastDeath = -WINDOW

  return { board, answered, accepted, released, expired, renamed, leave, current: () => header }

  async function board(isGone: () => boolean): Promise<Ticket | undefined> {
    while (!isGone()) {
      if (header) return { header }
      const line = waiting
      if (!line) return takeLead(isGone)
      await new Promise<void>((resolve) => line.push(resolve))
    }
    return undefined
  }

  async function takeLead(isGone: () => boolean): Promise<Ticket | undefined> {
    waiting = []
    try {
      throwIfBlocked()
      await sleep(logins.pause())
      // Once more: a session may have died meanwhile.
      throwIfBlocked()
      const login = isGone() ? undefined : await freshLogin()
      if (login && !isGone()) {
        fresh = undefined
        offered = login
        return { header: login.header, login }
      }
    } finally {
      if (!offered) endLead()
    }
    return undefined
  }

  async function freshLogin(): Promise<LoginData> {
    for (;;) {
      fresh = fresh || getLoginData()
      try {
        const login = await fresh
        if (Date.now() - login.since < CODE_LIFE) return login
        fresh = undefined
      } catch (error) {
        fresh = undefined
        const failure = wxFailure('ERR_LOGIN', error)
        logins.failed(failure)
        throw failure
      }
    }
  }

  function throwIfBlocked(): void {
    const failure = logins.blocked()
    if (failure) throw failure
  }

  function answered(ticket: Ticket, head?: Head): void {
    const name = ticket.header === header && credentialIn(head)
    if (name) renamed(name)
  }

  function renamed(name: Header): void {
    header = name
    vault.keep(name)
  }

  function accepted(_: Ticket, head: Head): void {
    if (!offered) return
    since = offered.since
    logins.succeeded()
    renamed(credentialIn(head) || { [CODE_HEADER]: offered.header[CODE_HEADER] as string })
    endLead()
    changed(true)
  }

  function released(failure?: Failure, ms?: number): void {
    if (failure && ms) logins.block(failure, ms)
    else if (failure) {
      logins.failed(failure)
      if (failure.reason === 'ERR_SESSION_EXPIRED') died()
    }
    endLead()
  }

  function expired(ticket: Ticket): void {
    if (ticket.header !== header) return
    forget()
    // One that dies young died of something that another login does not mend.
    if (timeLeft(since + WINDOW, WINDOW)) died()
  }

  function died(): void {
    const rest = timeLeft(lastDeath + WINDOW, WINDOW)
    if (rest)
      logins.block(Object.assign(readRefusal(EXPIRED) as Failure, { message: 'sessions end at once' }), rest)
    lastDeath = Date.now()
  }

  function leave(): void {
    fresh = undefined
    forget()
  }

  function forget(): void {
    // Also when there is none: the storage may have failed to clear the last one.
    vault.keep(undefined)
    if (!header) return
    header = undefined
    changed(false)
  }

  function endLead(): void {
    const line = waiting || []
    waiting = offered = undefined
    for (const wake of line) wake()
  }
}
