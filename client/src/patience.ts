import { CODE_HEADER } from '../../src/protocol.js'
import type { Account, Ticket } from './auth.js'
import { livingCookies, readCookies } from './cookies.js'
import { credentialIn } from './credential.js'
import type { Head } from './refusal.js'
import type { Shelf } from './storage.js'
import { sleep } from './util.js'
import type { Header } from './wx.js'

/** How often, and after how many ms each, to look for the answer which renames a session: five seconds. */
const LOOKS = 250
const A_MOMENT = 20

/**
 * An account whose server may rename a session at any time. The old name ends on the server at once, while requests
 * carry it and the answer that brings the new one is on its way: so a refusal is believed when no such answer can
 * come any more. `save` stores what is on the shelf; `open` is what was sent with the session and not answered.
 */
export function patient(account: Account, shelf: Shelf, save: () => void, open: Set<Ticket>): Account {
  /** The name before the current one, where both came at once: nobody knows which is the newer. */
  let spare: Header | undefined

  return Object.assign({}, account, { board, answered, accepted, expired, leave, current })

  async function board(isGone: () => boolean, url: string): Promise<Ticket | undefined> {
    if (account.current() && !current()) account.leave()
    const ticket = await account.board(isGone, url)
    if (!ticket) return undefined
    ticket.url = url
    if (!ticket.login) open.add(ticket)
    return ticket
  }

  function answered(ticket: Ticket, head?: Head): void {
    const now = account.current()
    // Only its first word counts: when it is said again, there may be something newer.
    if (!open.delete(ticket) || !head || !now) return
    const hasCookies = readCookies(shelf, ticket.url as string, head)
    const name = credentialIn(head)
    if (name && JSON.stringify(name) !== JSON.stringify(now)) {
      // The name that comes last is tried first.
      spare = ticket.header === now ? undefined : now
      account.renamed(name)
    } else if (hasCookies) {
      // What was sent before does not have these cookies: it counts against another name.
      if (isInCookies(now)) account.renamed(Object.assign({}, now))
      else save()
    }
  }

  function accepted(ticket: Ticket, head: Head): void {
    forgetOthers()
    shelf.isInCookies = readCookies(shelf, ticket.url as string, head) && !!livingCookies(shelf)[0]
    account.accepted(ticket, head)
  }

  function current(): Header | undefined {
    const now = account.current()
    // Without a cookie the server would take the user for nobody, and say nothing.
    return now && isInCookies(now) && !livingCookies(shelf)[0] ? undefined : now
  }

  async function expired(ticket: Ticket): Promise<void> {
    const { header } = ticket
    if (header === spare) spare = undefined
    const isCurrent = () => header === account.current()
    // A code is the user's, and stays.
    const others = header[CODE_HEADER] && !isInCookies(header) ? [] : [...open]
    for (let n = 0; n < LOOKS && isCurrent() && others.some((other) => open.has(other)); n++)
      await sleep(A_MOMENT)
    if (!isCurrent()) return
    if (spare) account.renamed(spare)
    else account.expired(ticket)
    spare = undefined
  }

  function leave(): void {
    forgetOthers()
    shelf.cookies = undefined
    account.leave()
  }

  /** What is still on its way is of another session. */
  function forgetOthers(): void {
    open.clear()
    spare = undefined
  }

  /** A server may go by the cookies of the login; or by its code, and they are the app's. So both are sent. */
  function isInCookies(name: Header): unknown {
    return shelf.isInCookies && name[CODE_HEADER]
  }
}
