/** What a client has to see of sessions, when nothing happens at the same time: as simple as it can be said. */
export interface Model {
  sessions: ModelSession[]
  /** All that were ever given to a client, the newest last. */
  credentials: ModelCredential[]
  /** Whether every call of the store fails. */
  isAway: boolean
}

export interface ModelSession {
  user: string
  data: Record<string, string>
  /** Unix ms. */
  expires: number
  /** Logged out, revoked, or gone to make room. */
  isOver: boolean
}

export interface ModelCredential {
  session: ModelSession
  /** What sends it. */
  headers: Record<string, string>
  /** Whether a rotation has replaced it. */
  isReplaced: boolean
  /** The servers that have refused it, and know from then on. */
  refusedAt: Set<number>
}

/** Seconds: longer than a run lasts by the clock of the processes, shorter than a token. */
export const TTL = 600

/** For each user. */
export const MAX_SESSIONS = 3

export function emptyModel(): Model {
  return { sessions: [], credentials: [], isAway: false }
}

export function isLive({ isOver, expires }: ModelSession): boolean {
  return !isOver && expires > Date.now()
}

export function isGood({ session, isReplaced }: ModelCredential): boolean {
  return !isReplaced && isLive(session)
}

/** A login: those that would end first make room. `previous`: what its client had until then. */
export function logIn(model: Model, user: string, previous: ModelCredential | undefined): ModelSession {
  const live = model.sessions.filter((session) => session.user === user && isLive(session))
  live.sort((a, b) => a.expires - b.expires)
  for (const first of live.slice(0, Math.max(0, live.length + 1 - MAX_SESSIONS))) first.isOver = true
  if (previous && isGood(previous)) previous.session.isOver = true
  const session = { user, data: {}, expires: Date.now() + TTL * 1000, isOver: false }
  model.sessions.push(session)
  return session
}

export function revoke(model: Model, user: string): void {
  for (const session of model.sessions) if (session.user === user) session.isOver = true
}

export function give(model: Model, session: ModelSession, headers: Record<string, string>): ModelCredential {
  const credential = { session, headers, isReplaced: false, refusedAt: new Set<number>() }
  model.credentials.push(credential)
  return credential
}
