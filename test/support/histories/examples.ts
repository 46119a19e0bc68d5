import type { Exchange, History, Operation } from './history.js'

/**
 * A history from lines like `10–20 write c1 w1 → 200 w0,w1`: from and to in ms, what, of which code, the token that
 * a write adds, status, and the tokens that the answer shows. A code is exchanged in the middle of its first login.
 * All of it is alice's.
 */
export function historyOf(lines: string[], openId = 'o-alice'): History {
  const operations = lines.map((line, n) => operationOf(line, n, openId))
  const logins = operations.filter(({ what }) => what === 'login')
  const codes = new Set(logins.map(({ code = '' }) => code))
  const exchanges = [...codes].map((code): Exchange => {
    const { from = 0, to = 0 } = logins.find((login) => login.code === code) ?? {}
    return { code, at: (from + to) / 2 }
  })
  for (const operation of operations) {
    operation.exchangesBefore = exchanges.filter(({ at }) => at < operation.from).length
  }
  return { operations, exchanges, happenings: [], deaths: new Map(), censuses: [] }
}

function operationOf(line: string, n: number, openId: string): Operation {
  const [asked = '', answered = ''] = line.split(' → ')
  const [times = '', what, code, token] = asked.split(' ')
  const [from, to] = times.split('–').map(Number)
  const [status, tokens] = answered.split(' ')
  return {
    n,
    what: what as Operation['what'],
    user: 'alice',
    ...(code !== undefined && { code }),
    ...(token !== undefined && { token }),
    server: 'S1',
    from: from ?? 0,
    to: to ?? 0,
    exchangesBefore: 0,
    ...(status && { answer: { status: Number(status), openId, tokens: tokens?.split(',') ?? [] } }),
  }
}
