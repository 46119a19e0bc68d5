import { type History, isGuest, isUnknown, type Operation } from '../history.js'
import { type Scene, SLACK } from '../rules.js'
import { type Credential, isRotated, NEVER, type Session } from '../sessions.js'

/** No session is refused, and no login, unless somebody has done something that may be the reason. */
export function checkLosses(session: Session, scene: Scene): void {
  for (const credential of session.credentials) {
    for (const refused of credential.operations.filter(({ answer }) => answer?.status === 401)) {
      const wasKnown = refused.from > credential.known
      // Who asks for a session before its login is told that there is none.
      if (!wasKnown && refused.what !== 'login') continue

      const isOver = hasEnded(session, refused, scene) || isTaken(credential, session, refused, scene.history)
      const isFailed = !wasKnown && isFailedLogin(session, refused, scene)
      if (!isOver && !isFailed)
        scene.violate(session.user, wasKnown ? 'a session is lost' : 'a login is refused', refused)
    }
  }
}

function hasEnded(session: Session, { to }: Operation, { history, settings, sessions }: Scene): boolean {
  const { name, user, begun, exchange } = session
  const { maxSessionsPerUser, ttl } = settings
  const logouts = [...logoutsOf(session), ...logoutsOfGuest(session, sessions)]
  const isLoggedOut = logouts.some(({ from }) => from < to)
  const isExpired = to > (isGuest(name) ? begun : (exchange?.at ?? 0)) + ttl - SLACK
  if (isLoggedOut || isExpired) return true
  // A guest is nobody's: no revocation ends one, and no login makes room of one.
  if (isGuest(name)) return false

  const isRevoked = history.operations.some(
    (other) =>
      other.what === 'revoke' &&
      other.user === user &&
      other.from < to &&
      begun < (isUnknown(other) ? NEVER : other.to),
  )
  const newer = sessions.filter(
    (other) =>
      other !== session &&
      other.user === user &&
      !isGuest(other.name) &&
      (other.exchange?.at ?? NEVER) < to + SLACK &&
      other.exchange?.errcode === undefined &&
      other.known > begun,
  )
  return isRevoked || newer.length >= maxSessionsPerUser
}

function logoutsOf({ operations }: Session): Operation[] {
  return operations.filter(({ what }) => what === 'logout')
}

/** Those that began before the guest's login was answered: to end a guest is to end what they have become. */
function logoutsOfGuest({ name }: Session, sessions: readonly Session[]): Operation[] {
  return sessions.flatMap((guest) => {
    const login = guest.farewells.find(({ session }) => session === name)
    return login ? logoutsOf(guest).filter(({ from }) => from < login.to) : []
  })
}

/** Whether another credential, or the session of a user, may have taken the place of this one. */
function isTaken({ name }: Credential, session: Session, { to }: Operation, history: History): boolean {
  const rotations = session.operations.filter(
    ({ what, credential, from }) => what === 'rotate' && credential === name && from < to,
  )
  const logins = session.farewells.filter(({ guest, from }) => guest === name && from < to)
  return (
    rotations.some((rotation) => isRotated(rotation) || isCutOff(rotation, history)) ||
    // One that was refused has left the guest as they were.
    logins.some(({ answer }) => answer === undefined || answer.status === 200 || answer.status === 503)
  )
}

/**
 * Whether nobody can say what came of a rotation: its server died, or its connection to Redis broke, in the middle.
 * Any other that failed has left things as they were, also one that Redis was slow to answer.
 */
function isCutOff({ server, from, to, answer }: Operation, { breaks }: History): boolean {
  if (answer === undefined) return true
  return (
    answer.status === 503 &&
    breaks.some((other) => other.server === server && from < other.at && other.at < to)
  )
}

/** WeChat refused, the server that had the code failed, or it was too slow for those who waited for it. */
function isFailedLogin(
  { operations, begun, exchange }: Session,
  refused: Operation,
  { settings }: Scene,
): boolean {
  const { from, to } = refused
  const isRefused = exchange?.errcode !== undefined
  const isSlow = to > begun + settings.lease - SLACK
  const failed = operations.some((other) => isUnknown(other) && other.from < to)
  return isRefused || isSlow || failed || exchange === undefined || from < begun
}
