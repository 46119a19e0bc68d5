import { CODE_HEADER } from '../../src/protocol.js'
import { breaker } from './breaker.js'
import { type Failure, wxFailure } from './errors.js'
import { CODE_LIFE, type LoginData } from './login.js'
import { sleep, timeLeft } from './util.js'
import type { Vault } from './vault.js'
import type { Header } from './wx.js'

/** What a request may carry: the session, or a login that nobody else carries. */
export interface Ticket {
  header: Header
  /** The session that is named by it; an answer counts against that one only. `undefined` for a login. */
  generation: number | undefined
}

/** The session of this user at this server, shared by all calls. */
export interface Account {
  /**
   * The session, once there is one; or the lead: the right to log in, which exactly one call has at a time. Who is
   * `gone` by then gets nothing. Rejects with a {@link Failure} while logins are blocked.
   */
  board(isGone: () => boolean): Promise<Ticket | undefined>
  /** The leader's request was answered, and not with a refusal: its code is the session. */
  accepted(): void
  /** The leader gives up the lead, and the next call takes over; after a failure, not at once. */
  released(failure?: Failure): void
  /** The same, and no call logs in for so many ms. */
  blocked(failure: Failure, ms: number): void
  /** The server does not know this session any more. Ignored when another has taken its place already. */
  expired(generation: number): void
  /** The user leaves. */
  leave(): void
  isLoggedIn(): boolean
}

interface Current {
  code: string
  generation: number
  /** Unix ms of its login; `undefined` for one that was found in storage. */
  since: number | undefined
}

/** ms in which a second session that dies young stops all further logins. */
const WINDOW = 60_000

const DIED_TWICE: Failure = {
  code: 'ERR_REFUSED',
  reason: 'ERR_SESSION_EXPIRED',
  statusCode: 401,
  message: 'sessions end at once',
  retryable: true,
}

export function account(
  getLoginData: () => Promise<LoginData>,
  vault: Vault,
  changed: (isLoggedIn: boolean) => void,
): Account {
  const logins = breaker<Failure>()
  const kept = vault.load()
  let generations = 0
  let current: Current | undefined = kept ? { code: kept, since: undefined, generation: 0 } : undefined
  /** Who waits for the leader; `undefined` while nobody leads. */
  let waiting: (() => void)[] | undefined
  /** What the leader offers to the server: never offered again. */
  let offered: LoginData | undefined
  /** A login that was not offered yet: it outlives a leader that is aborted. */
  let fresh: Promise<LoginData> | undefined
  let lastDeath = -WINDOW

  return { board, accepted, released, blocked, expired, leave, isLoggedIn }

  async function board(isGone: () => boolean): Promise<Ticket | undefined> {
    while (!isGone()) {
      if (current) return { header: { [CODE_HEADER]: current.code }, generation: current.generation }
      if (!waiting) return takeLead(isGone)
      const line = waiting
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
        return { header: login.header, generation: undefined }
      }
    } catch (error) {
      endLead()
      throw error
    }
    endLead()
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

  function accepted(): void {
    if (!offered) return
    const { code, since } = offered
    current = { code, since, generation: ++generations }
    logins.succeeded()
    vault.keep(code)
    endLead()
    changed(true)
  }

  function released(failure?: Failure): void {
    if (failure) {
      logins.failed(failure)
      if (failure.reason === 'ERR_SESSION_EXPIRED') died()
    }
    endLead()
  }

  function blocked(failure: Failure, ms: number): void {
    logins.block(failure, ms)
    endLead()
  }

  function expired(generation: number): void {
    if (!current || current.generation !== generation) return
    const { since } = current
    forget()
    // One that dies young died of something that another login does not mend.
    if (since !== undefined && Date.now() - since < WINDOW) died()
  }

  function died(): void {
    const rest = timeLeft(lastDeath + WINDOW, WINDOW)
    if (rest) logins.block(DIED_TWICE, rest)
    lastDeath = Date.now()
  }

  function leave(): void {
    fresh = undefined
    forget()
  }

  function isLoggedIn(): boolean {
    return current !== undefined
  }

  function forget(): void {
    // Also when there is none: the storage may have failed to clear the last one.
    vault.keep(undefined)
    const left = current
    current = undefined
    if (left) changed(false)
  }

  function endLead(): void {
    const line = waiting || []
    waiting = undefined
    offered = undefined
    for (const wake of line) wake()
  }
}
