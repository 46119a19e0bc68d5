import { isGood, isUnknown, type Operation } from '../history.js'
import type { Scene } from '../rules.js'
import { guestBefore, type Session, writesOf } from '../sessions.js'

/**
 * What reads see is one list that only grows: of all that was written and acknowledged, nothing is lost. It goes
 * from one credential to the next, and from a guest to the user as whom they log in.
 */
export function checkWrites(session: Session, { sessions, violate }: Scene): void {
  const { user } = session
  const guest = guestBefore(session, sessions)
  const good = session.operations.filter(isGood)
  const writes = [...(guest ? writesOf(guest) : []), ...writesOf(session)]

  for (const reading of good) {
    const tokens = reading.answer?.tokens ?? []
    const lost = writes.find(
      (write) => isGood(write) && write.to < reading.from && !tokens.includes(write.token ?? ''),
    )
    if (lost) violate(user, 'a write is lost', lost, reading)
    for (const token of tokens) {
      const write = writes.find((write) => write.token === token)
      if (!write || write.from > reading.to) violate(user, `${token} comes from nowhere`, reading)
      else if (!isGood(write) && !isUnknown(write)) violate(user, 'a refused write is there', write, reading)
    }
  }

  const seen = [...(guest ? guest.operations.filter(isGood) : []), ...good]
  const byLength = seen.toSorted((a, b) => lengthOf(a) - lengthOf(b))
  for (const [n, longer] of byLength.entries()) {
    const shorter = byLength[n - 1]
    if (shorter && !isPrefix(shorter, longer)) {
      violate(user, 'two answers contradict each other', shorter, longer)
    }
  }
}

function isPrefix(shorter: Operation, longer: Operation): boolean {
  return shorter.answer?.tokens.every((token, n) => token === longer.answer?.tokens[n]) ?? true
}

function lengthOf({ answer }: Operation): number {
  return answer?.tokens.length ?? 0
}
