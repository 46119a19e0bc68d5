/** What was asked of the servers, and what they answered, as plain data. Times are ms since the history began. */
export interface History {
  operations: Operation[]
  /** What arrived at WeChat, in order. */
  exchanges: Exchange[]
  /** What was done to servers, Redis and WeChat: to read, mostly. */
  happenings: Happening[]
  /** The servers that were killed, by their names. */
  deaths: Map<string, number>
  censuses: Census[]
}

/** One request. */
export interface Operation {
  n: number
  what: 'login' | 'read' | 'write' | 'logout' | 'revoke'
  user: string
  /** The name of the code; none in a revocation. */
  code?: string
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

/** The sessions of one user that answered at a moment in which nothing else happened. */
export interface Census {
  at: number
  user: string
  live: string[]
  /** Whether the last that happened was a login of theirs, from beginning to end. */
  isAfterLogin: boolean
}

/** ms in which every request ends, whatever happens. Long, because the machine is busy with other tests. */
export const PATIENCE = 20_000

export function isGood({ answer }: Operation): boolean {
  return answer?.status === 200
}

/** Whether nobody can say what came of it. */
export function isUnknown({ answer }: Operation): boolean {
  return answer === undefined || answer.status >= 500
}

/** A history to read: what concerns one user, or all of it. */
export function show(history: History, user?: string): string {
  const { operations, exchanges, happenings } = history
  const ours = operations.filter((operation) => user === undefined || operation.user === user)
  const codes = new Set(ours.map(({ code }) => code))
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

export function showOperation({ n, what, user, code, token, how, server, to, answer }: Operation): string {
  const asked = [what, token, code === undefined ? '' : `${code} of`, user, how, `at ${server}`]
  const { status, reason = '', tokens = [] } = answer ?? {}
  const list = tokens.length > 0 ? ` [${tokens.join(' ')}]` : ''
  const answered = answer === undefined ? 'no answer' : `${status} ${reason}${list}`
  return `…${to.toFixed(1).padStart(8)} #${n} ${asked.filter(Boolean).join(' ')} → ${answered.trim()}`
}
