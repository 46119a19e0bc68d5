import { isAccepted, isGood, isGuest, type Operation } from '../history.js'
import type { Scene } from '../rules.js'
import { type Credential, guestBefore, isFarewell, isRotated, NEVER, type Session } from '../sessions.js'

/** Something after which a credential is over, and what has to be said when it is not. */
interface End {
  by: Operation
  broken: string
}

/** What has ended, by the word of a server, is never good again. */
export function checkEnds(session: Session, scene: Scene): void {
  const common = endsOf(session, scene)
  for (const credential of session.credentials) {
    const ends = [...common, ...endsOfCredential(credential, session)]
    const [end] = ends.toSorted((a, b) => a.by.to - b.by.to)
    const revived = credential.operations.find(
      (operation) => isAccepted(operation) && operation.from > (end?.by.to ?? NEVER),
    )
    if (end && revived) scene.violate(session.user, end.broken, end.by, revived)
  }
}

/** Of the session: under whichever credential, also one that a rotation makes at the same time. */
function endsOf(session: Session, { history, sessions }: Scene): End[] {
  const { name, user, operations, place } = session
  const logouts = operations.filter((operation) => operation.what === 'logout' && isGood(operation))
  // Also of logins that were under way: WeChat had their code before the revocation began.
  const revocations = history.operations.filter(
    (operation) =>
      operation.what === 'revoke' &&
      operation.user === user &&
      isGood(operation) &&
      !isGuest(name) &&
      place < operation.exchangesBefore,
  )
  return [
    ...[...logouts, ...revocations].map((by) => ({ by, broken: 'a session is good again after its end' })),
    ...takeovers(session, sessions).map((by) => ({ by, broken: 'a guest is good after their login' })),
  ]
}

/** The first sight of a guest's data in the session of a user, by each of them. */
function takeovers(guest: Session, sessions: readonly Session[]): Operation[] {
  if (guest.farewells.length === 0) return []
  const heirs = sessions.filter((session) => guestBefore(session, sessions) === guest)
  return heirs.flatMap(({ operations }) => {
    const tokens = new Set(guest.operations.map(({ token }) => token))
    const shows = operations.filter(({ answer }) => answer?.tokens.some((token) => tokens.has(token)))
    return shows.toSorted((a, b) => a.to - b.to).slice(0, 1)
  })
}

function endsOfCredential({ name, operations, known }: Credential, session: Session): End[] {
  // A session that is not there yet is refused too, so only what was there can be seen to have ended.
  const refusals = operations.filter(({ answer, from }) => answer?.status === 401 && from > known)
  const rotations = session.operations.filter(
    (operation) => operation.credential === name && isRotated(operation),
  )
  const farewells = session.farewells.filter(({ guest }) => guest === name).filter(isFarewell)
  return [
    ...refusals.map((by) => ({ by, broken: 'a session is good again after its end' })),
    ...rotations.map((by) => ({ by, broken: 'a credential is good after its rotation' })),
    ...farewells.map((by) => ({ by, broken: 'a guest is good after their login' })),
  ]
}
