/** What was asked of the servers, and what they answered, as plain data. Times are ms since the history began. */
export interface History {
  operations: Operation[]
  /** What arrived at WeChat, in order. */
  exchanges: Exchange[]
  /** What was done to servers, Redis and WeChat: to read, mostly. */
  happenings: Happening[]
  /** The servers that were killed, by their names. */
  deaths: Map<string, number>
  /** The moments at which connections of servers to Redis broke. */
  breaks: { server: string; at: number }[]
  censuses: Census[]
}

/** One request. */
export interface Operation {
  n: number
  what: 'login' | 'read' | 'write' | 'rotate' | 'logout' | 'revoke'
  user: string
  /** The name of the session that it is about: that of its code, or of a guest. None in a revocation. */
  session?: string
  /** The name of the credential that it presents. None in a login, and in the first write of a guest. */
  credential?: string
  /** The credential of a guest that a login presents: whoever logs in has been that guest. */
  guest?: string
  /** What a write adds. */
  token?: string
  /** Details to read. */
  how?: string
  server: string
  from: number
  /** When it ended; for ever later, as long as it has not. */
  to: number
  /** How many codes WeChat had been sent when it began. */
  exchangesBefore: number
  /** None: the connection broke, or nothing came within {@link PATIENCE}. */
  answer?: Answer
}

export interface Answer {
  status: number
  reason?: string
  openId?: string
  tokens: string[]
  /** Whether the session began with this very request. */
  isNew?: boolean
  /** The name of the credential that it hands out. */
  credential?: string
}

export interface Exchange {
  code: string
  at: number
  /** WeChat refused. */
  errcode?: number
}

export interface Happening {
  at: number
  what: string
}

/** The credentials of one user that were good at a moment in which nothing else happened. */
export interface Census {
  at: number
  user: string
  live: string[]
  /** Whether the last that happened was a login of theirs, from beginning to end. */
  isAfterLogin: boolean
}

/** ms in which every request ends, whatever happens. Long, because the machine is busy with other tests. */
export const PATIENCE = 20_000

/**
 * Credentials are named after their session: its first one is `c1` (of the code c1) or `g1` (of a guest), and those
 * that rotations made are `c1.2`, `c1.3`.
 */
export function sessionOf(credential: string): string {
  return credential.split('.')[0] as string
}

export function isGuest(session: string): boolean {
  return session.startsWith('g')
}

export function isGood({ answer }: Operation): boolean {
  return answer?.status === 200
}

/** Whether the credential was good when the request began: a conflict is found when a handler has run. */
export function isAccepted(operation: Operation): boolean {
  return isGood(operation) || (operation.what !== 'login' && operation.answer?.status === 409)
}

/** Whether nobody can say what came of it. */
export function isUnknown({ answer }: Operation): boolean {
  return answer === undefined || answer.status >= 500
}

/** A history to read: what concerns one user, or all of it. */
export function show(history: History, user?: string): string {
  const { operations, exchanges, happenings } = history
  const ours = operations.filter((operation) => user === undefined || operation.user === user)
  const codes = new Set(ours.map(({ session }) => session))
  const lines = [
    ...ours.map((operation) => ({ at: operation.from, text: showOperation(operation) })),
    ...exchanges
      .filter(({ code }) => user === undefined || codes.has(code))
      .map(({ at, code, errcode }) => ({
        at,
        text: `        WeChat is sent ${code}${errcode === undefined ? '' : `, refuses it: ${errcode}`}`,
      })),
    ...happenings.map(({ at, what }) => ({ at, text: `        ${what}` })),
  ]
  lines.sort((a, b) => a.at - b.at)
  return lines.map(({ at, text }) => `${at.toFixed(1).padStart(9)} ${text}`).join('\n')
}

export function showOperation(operation: Operation): string {
  const { n, what, user, session, credential, guest, token, how, server, to, answer } = operation
  const name = credential ?? session
  const before = guest === undefined ? '' : `after ${guest}`
  const asked = [what, token, name === undefined ? '' : `${name} of`, user, before, how, `at ${server}`]
  const { status, reason = '', tokens = [], credential: given = name, isNew } = answer ?? {}
  const list = tokens.length > 0 ? ` [${tokens.join(' ')}]` : ''
  const news = [given === name ? '' : ` gives ${given}`, isNew ? ' (new)' : ''].join('')
  const answered = answer === undefined ? 'no answer' : `${status} ${reason}${list}${news}`
  return `…${to.toFixed(1).padStart(8)} #${n} ${asked.filter(Boolean).join(' ')} → ${answered.trim()}`
}
