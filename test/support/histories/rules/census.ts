import { type Census, isGuest, isUnknown, sessionOf } from '../history.js'
import type { Scene } from '../rules.js'

/**
 * A server that is killed when it has stored a session, and has not yet ended the one that makes room for it,
 * leaves one too many, until the next login. A rotation makes none, and guests count for nobody.
 */
export function checkCensus(
  { user, live, isAfterLogin }: Census,
  { history, settings, violate }: Scene,
): void {
  const doubtful = history.operations.filter(
    (other) => other.what === 'login' && other.user === user && isUnknown(other),
  )
  const surplus = isAfterLogin ? 0 : new Set(doubtful.map(({ session }) => session)).size
  const sessions = new Set(live.map(sessionOf))
  const users = [...sessions].filter((session) => !isGuest(session))
  if (users.length > settings.maxSessionsPerUser + surplus)
    violate(user, `${users.length} sessions: ${users.join(' ')}`)

  for (const session of sessions) {
    const names = live.filter((credential) => sessionOf(credential) === session)
    if (names.length > 1) violate(user, `a session under ${names.length} credentials: ${names.join(' ')}`)
  }
}
