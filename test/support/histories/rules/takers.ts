import type { Scene } from '../rules.js'
import { guestBefore, isRotated, type Session } from '../sessions.js'

/** Of all that would put something else in the place of a credential, one succeeds: rotations, and logins of a guest. */
export function checkTakers(session: Session, { sessions, violate }: Scene): void {
  const { user, operations, credentials, farewells } = session
  const heirs =
    farewells.length === 0 ? [] : sessions.filter((other) => guestBefore(other, sessions) === session)
  const logins = heirs.flatMap(({ name }) => {
    const theirs = farewells.filter((login) => login.session === name)
    const [first] = theirs
    return first ? [{ login: first, isCertain: theirs.every(({ guest }) => guest === first.guest) }] : []
  })
  if (logins.length > 1) {
    violate(user, 'the data of a guest is in two sessions', ...logins.map(({ login }) => login))
  }

  for (const { name } of credentials) {
    const rotations = operations.filter((operation) => operation.credential === name && isRotated(operation))
    const takers = [
      ...rotations,
      ...logins.filter(({ login, isCertain }) => isCertain && login.guest === name).map(({ login }) => login),
    ]
    if (rotations.length > 0 && takers.length > 1) violate(user, 'a credential is taken twice', ...takers)
  }
}
