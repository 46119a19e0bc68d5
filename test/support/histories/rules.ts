import {
  type Census,
  type Exchange,
  type History,
  isGood,
  isUnknown,
  type Operation,
  PATIENCE,
  showOperation,
} from './history.js'

/** What the servers were told, and what the rules need of it. */
export interface Settings {
  openIds: ReadonlyMap<string, string>
  maxSessionsPerUser: number
  /** ms */
  ttl: number
  /** ms that a renewed session lives at most; none when sessions are not renewed. */
  maxAge?: number
  /** ms after which a login is believed to be dead. */
  lease: number
}

/** Something that must not happen, and did. */
export interface Violation {
  /** To see what happened to them. */
  user: string
  text: string
}

/** All that happened with one code, which is also the session that began with it. */
interface Session {
  code: string
  operations: Operation[]
  /** Its place among what WeChat was sent. */
  place: number
  exchange: Exchange | undefined
  /** When it was first asked for. */
  begun: number
  /** When the first good answer had arrived: from then on, it is known to live. */
  known: number
}

/** ms that clocks, and times taken a little early or late, may differ. */
const SLACK = 100

const NEVER = Number.POSITIVE_INFINITY

/** What must never happen, whatever happens. `B` comes after `A` only if it began when A's answer had arrived. */
export function violationsOf(history: History, settings: Settings): Violation[] {
  const { operations, exchanges, deaths, censuses } = history
  const { openIds, maxSessionsPerUser, ttl, maxAge, lease } = settings
  const violations: Violation[] = []
  const sessions = sessionsOf(history)

  for (const operation of operations) checkAnswer(operation)
  for (const user of openIds.keys()) {
    const theirs = sessions.filter(({ operations }) => operations[0]?.user === user)
    const revocations = operations.filter((other) => other.what === 'revoke' && other.user === user)
    for (const session of theirs) {
      checkIdentity(session)
      checkExchange(session)
      checkEnds(session, revocations)
      checkExpiry(session)
      checkWrites(session)
      checkLosses(session, theirs, revocations)
    }
  }
  for (const census of censuses) checkCensus(census)
  return violations

  function violate(user: string, text: string, ...shown: (Operation | undefined)[]): void {
    const lines = shown.flatMap((operation) => (operation ? `  ${showOperation(operation)}` : []))
    violations.push({ user, text: [text, ...lines].join('\n') })
  }

  /** Every request ends, in time, with an answer that its kind can have; without any only if its server died. */
  function checkAnswer(operation: Operation): void {
    const { what, user, server, from, to, answer } = operation
    if (to - from >= PATIENCE) violate(user, 'a request does not end', operation)
    else if (answer === undefined) {
      if ((deaths.get(server) ?? NEVER) > to) violate(user, 'no answer from a server that lives', operation)
    } else if (!STATUSES[what].includes(answer.status)) violate(user, 'an impossible answer', operation)
  }

  /** Each good answer says the user whose phone was given the code. */
  function checkIdentity({ operations }: Session): void {
    for (const operation of operations.filter(isGood)) {
      if (operation.answer?.openId !== openIds.get(operation.user)) {
        violate(operation.user, 'an answer for somebody else', operation)
      }
    }
  }

  function checkExchange({ code, operations }: Session): void {
    const times = exchanges.filter((exchange) => exchange.code === code).length
    if (times > 1) violate(operations[0]?.user ?? '', `WeChat is sent ${code} ${times} times`)
  }

  /** What has ended, by the word of a server, is never good again. */
  function checkEnds(session: Session, revocations: Operation[]): void {
    const { operations, place, known } = session
    const ends = [
      ...operations.filter((operation) => operation.what === 'logout' && isGood(operation)),
      // Also of logins that were under way: WeChat had their code before the revocation began.
      ...revocations.filter((operation) => place < operation.exchangesBefore && isGood(operation)),
      // A session that is not there yet is refused too, so only what was there can be seen to have ended.
      ...operations.filter(({ answer, from }) => answer?.status === 401 && from > known),
    ]
    const end = ends.toSorted((a, b) => a.to - b.to)[0]
    const revived = operations.find((operation) => isGood(operation) && operation.from > (end?.to ?? NEVER))
    if (revived) violate(revived.user, 'a session is good again after its end', end, revived)
  }

  function checkExpiry(session: Session): void {
    const { operations, known } = session
    for (const operation of operations.filter(isGood)) {
      const uses = operations.filter(({ from }) => maxAge !== undefined && from < operation.from)
      const lastUse = Math.max(known, ...uses.filter((use) => use !== operation).map(({ to }) => to))
      const expiry = Math.min(lastUse + ttl, known + (maxAge ?? NEVER))
      if (operation.from > expiry + SLACK)
        violate(operation.user, 'a session is good after its expiry', operation)
    }
  }

  /** What reads see is one list that only grows: of all that was written and acknowledged, nothing is lost. */
  function checkWrites({ operations }: Session): void {
    const good = operations.filter(isGood)
    const writes = operations.filter(({ what }) => what === 'write')
    for (const reading of good) {
      const { user } = reading
      const tokens = reading.answer?.tokens ?? []
      const lost = writes.find(
        (write) => isGood(write) && write.to < reading.from && !tokens.includes(write.token ?? ''),
      )
      if (lost) violate(user, 'a write is lost', lost, reading)
      for (const token of tokens) {
        const write = writes.find((write) => write.token === token)
        if (!write || write.from > reading.to) violate(user, `${token} comes from nowhere`, reading)
        else if (!isGood(write) && !isUnknown(write))
          violate(user, 'a refused write is there', write, reading)
      }
    }

    const byLength = good.toSorted((a, b) => lengthOf(a) - lengthOf(b))
    for (const [n, longer] of byLength.entries()) {
      const shorter = byLength[n - 1]
      const isPrefix = shorter?.answer?.tokens.every((token, n) => token === longer.answer?.tokens[n]) ?? true
      if (!isPrefix) violate(longer.user, 'two answers contradict each other', shorter, longer)
    }
  }

  /**
   * A server that is killed when it has stored a session, and has not yet ended the one that makes room for it,
   * leaves one too many, until the next login.
   */
  function checkCensus({ user, live, isAfterLogin }: Census): void {
    const doubtful = operations.filter(
      (other) => other.what === 'login' && other.user === user && isUnknown(other),
    )
    const surplus = isAfterLogin ? 0 : new Set(doubtful.map(({ code }) => code)).size
    if (live.length > maxSessionsPerUser + surplus)
      violate(user, `${live.length} sessions: ${live.join(' ')}`)
  }

  /** No session is refused, and no login, unless somebody has done something that may be the reason. */
  function checkLosses(session: Session, theirs: Session[], revocations: Operation[]): void {
    const { operations, begun, known, exchange } = session
    for (const operation of operations.filter(({ answer }) => answer?.status === 401)) {
      const { what, to, user } = operation
      const wasKnown = operation.from > known
      // Who asks for a session before its login is told that there is none.
      if (!wasKnown && what !== 'login') continue

      const isLoggedOut = operations.some(({ what, from }) => what === 'logout' && from < to)
      const isRevoked = revocations.some(
        (revocation) => revocation.from < to && begun < (isUnknown(revocation) ? NEVER : revocation.to),
      )
      const newer = theirs.filter(
        (other) =>
          other !== session &&
          (other.exchange?.at ?? NEVER) < to + SLACK &&
          other.exchange?.errcode === undefined &&
          other.known > begun,
      )
      const isEvicted = newer.length >= maxSessionsPerUser
      const isExpired = to > (exchange?.at ?? 0) + ttl - SLACK
      const isFailed = !wasKnown && isFailedLogin(session, operation)
      if (!isLoggedOut && !isRevoked && !isEvicted && !isExpired && !isFailed) {
        violate(user, wasKnown ? 'a session is lost' : 'a login is refused', operation)
      }
    }
  }

  /** WeChat refused, the server that had the code failed, or it was too slow for those who waited for it. */
  function isFailedLogin({ operations, begun, exchange }: Session, { from, to }: Operation): boolean {
    const isRefused = exchange?.errcode !== undefined
    const isSlow = to > begun + lease - SLACK
    const failed = operations.some((other) => isUnknown(other) && other.from < to)
    return isRefused || isSlow || failed || exchange === undefined || from < begun
  }
}

/** The answers that each kind of request can have. */
const STATUSES: Record<Operation['what'], number[]> = {
  login: [200, 401, 409, 429, 502, 503, 504],
  read: [200, 401, 503],
  write: [200, 401, 409, 503],
  logout: [200, 401, 503],
  revoke: [200, 503],
}

function sessionsOf({ operations, exchanges }: History): Session[] {
  const byCode = new Map<string, Operation[]>()
  for (const operation of operations) {
    if (operation.code === undefined) continue
    byCode.set(operation.code, [...(byCode.get(operation.code) ?? []), operation])
  }
  return [...byCode].map(([code, operations]) => {
    const place = exchanges.findIndex((exchange) => exchange.code === code)
    const logins = operations.filter(({ what }) => what === 'login')
    return {
      code,
      operations,
      place: place === -1 ? NEVER : place,
      exchange: exchanges[place],
      begun: Math.min(...logins.map(({ from }) => from)),
      known: Math.min(...operations.filter(isGood).map(({ to }) => to)),
    }
  })
}

function lengthOf({ answer }: Operation): number {
  return answer?.tokens.length ?? 0
}
