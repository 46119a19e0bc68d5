import { CODE_HEADER } from '../../src/protocol.js'
import type { Account, Ticket } from './account.js'
import { credentialIn } from './credential.js'
import type { Jar } from './jar.js'
import type { Head } from './refusal.js'
import { sleep } from './util.js'
import type { Header } from './wx.js'

/** How often, and after how many ms each, to look for the answer which renames a session: five seconds. */
const LOOKS = 250
const A_MOMENT = 20

/**
 * Names a session that came with cookies. They may be all that the server goes by; or it goes by the code, and they
 * are the app's: so the code is sent too, and the spelling of its header, which is all the same on the wire, says that.
 */
const BAKED = CODE_HEADER.toLowerCase()

/**
 * An account whose server may rename a session at any time. The old name ends on the server at once, while requests
 * carry it and the answer that brings the new one is on its way: so a refusal is believed when no such answer can
 * come any more. `open`: what was sent with the session and not answered.
 */
export function patient(account: Account, cookies: Jar, open: Set<Ticket>): Account {
  /** A name that came beside the one that was taken: nobody knows which is the newer. */
  let spare: Header | undefined

  return Object.assign({}, account, { board, answered, accepted, expired, current })

  async function board(isGone: () => boolean): Promise<Ticket | undefined> {
    current()
    const ticket = await account.board(isGone)
    if (ticket && !ticket.login) open.add(ticket)
    return ticket
  }

  function answered(ticket: Ticket, head?: Head): void {
    const now = account.current()
    // Only its first word counts: when it is said again, there may be something newer.
    if (!open.delete(ticket) || !head || !now) return
    // What was sent before does not have these cookies.
    if (ticket.url && cookies.read(ticket.url, head) && now[BAKED]) account.renamed(Object.assign({}, now))
    const name = credentialIn(head)
    if (!name || JSON.stringify(name) === JSON.stringify(now)) return
    if (ticket.header === now) account.renamed(name)
    else spare = name
  }

  function accepted(ticket: Ticket, head: Head): void {
    // What is still on its way is of another session.
    open.clear()
    spare = undefined
    account.accepted(ticket, head, cookies.read(ticket.url as string, head) ? BAKED : CODE_HEADER)
  }

  function current(): Header | undefined {
    const now = account.current()
    // Without a cookie the server would take the user for nobody, and say nothing.
    if (now && now[BAKED] && !cookies.living()[0]) account.leave()
    return account.current()
  }

  async function expired(ticket: Ticket): Promise<void> {
    const { header } = ticket
    const isCurrent = () => header === account.current()
    // A code is the user's, and stays.
    const others = header[CODE_HEADER] ? [] : Array.from(open)
    for (let n = 0; n < LOOKS && isCurrent() && others.some((other) => open.has(other)); n++)
      await sleep(A_MOMENT)
    if (!isCurrent()) return
    if (spare) account.renamed(spare)
    else account.expired(ticket)
    spare = undefined
  }
}
