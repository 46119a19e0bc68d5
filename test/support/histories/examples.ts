import { type Answer, type Exchange, type History, isGuest, type Operation, sessionOf } from './history.js'

/**
 * A history from lines of words: from and to in ms, what, the credential (or `new` and that which the
 * answer gives), the token that a write adds, `after` and the guest who logs in; then the status, a reason, the tokens
 * that the answer shows, `gives` and another credential, `new`; or `dead`, when the server died. For example:
 *
 *     0–10 write new g1 w1 → 200 w1 gives g1
 *     20–30 login c1 after g1 → 200 w1 new
 *     40–50 rotate c1 → 200 w1 gives c1.2
 *
 * A code is exchanged in the middle of its first login. All of it is alice's.
 */
export function historyOf(lines: string[], openId = 'o-alice'): History {
  const operations = lines.map((line, n) => operationOf(line, n, openId))
  const logins = operations.filter(({ what }) => what === 'login')
  const codes = new Set(logins.map(({ session = '' }) => session))
  const exchanges = [...codes].map((code): Exchange => {
    const { from = 0, to = 0 } = logins.find((login) => login.session === code) ?? {}
    return { code, at: (from + to) / 2 }
  })
  for (const operation of operations) {
    operation.exchangesBefore = exchanges.filter(({ at }) => at < operation.from).length
  }
  const dead = operations.filter(({ server }) => server === DEAD)
  const deaths = new Map(dead.map(({ to }) => [DEAD, to]))
  return { operations, exchanges, happenings: [], deaths, breaks: [], censuses: [] }
}

/** A server that dies in the middle of each request. */
const DEAD = 'S0'

function operationOf(line: string, n: number, openId: string): Operation {
  const [asked = '', answered = ''] = line.split(' → ')
  const [times = '', what, ...words] = asked.split(' ')
  const [from, to] = times.split('–').map(Number)
  const guest = after('after', words)
  const name = words.find((word) => /^[cg]/.test(word))
  const session = name && sessionOf(name)
  const token = words.find((word) => word.startsWith('w'))
  const whose = session && isGuest(session) ? undefined : openId
  const isPresented = what !== 'login' && !words.includes('new')
  return {
    n,
    what: what as Operation['what'],
    user: 'alice',
    ...(session && { session }),
    ...(name && isPresented && { credential: name }),
    ...(guest && { guest }),
    ...(token && { token }),
    server: answered === 'dead' ? DEAD : 'S1',
    from: from ?? 0,
    to: to ?? 0,
    exchangesBefore: 0,
    ...(answered && answered !== 'dead' && { answer: answerOf(answered.split(' '), whose) }),
  }
}

function answerOf([status, ...words]: string[], openId: string | undefined): Answer {
  const reason = words.find((word) => word.startsWith('ERR_'))
  const credential = after('gives', words)
  return {
    status: Number(status),
    ...(reason && { reason }),
    ...(status === '409' && { reason: 'ERR_SESSION_CONFLICT' }),
    ...(openId && { openId }),
    tokens: words.find((word) => word.startsWith('w'))?.split(',') ?? [],
    ...(words.includes('new') && { isNew: true }),
    ...(credential && { credential }),
  }
}

function after(word: string, words: string[]): string | undefined {
  return words.includes(word) ? words[words.indexOf(word) + 1] : undefined
}
