import {
  type Exchange,
  type History,
  isAccepted,
  isGood,
  isGuest,
  type Operation,
  sessionOf,
} from './history.js'

/** All that happened to one session, under whichever credential. */
export interface Session {
  name: string
  user: string
  /** What was asked of it: its logins, and all that presented one of its credentials. */
  operations: Operation[]
  credentials: Credential[]
  /** The logins to which its credentials were given, if it is a guest's. */
  farewells: Operation[]
  /** The place of its code among what WeChat was sent. */
  place: number
  exchange: Exchange | undefined
  /** When it was first asked for. */
  begun: number
  /** When the first good answer had arrived: from then on, it is known to live. */
  known: number
}

/** One of the names that a session has had. */
export interface Credential {
  name: string
  /** Those whose answers say whether it is good. */
  operations: Operation[]
  /** When it was first known to be good. */
  known: number
}

export const NEVER = Number.POSITIVE_INFINITY

export function sessionsOf({ operations, exchanges }: History): Session[] {
  const farewells = operations.filter(({ guest }) => guest !== undefined)
  return [...groupedBy(operations, ({ session }) => session)].map(([name, operations]) => {
    const place = exchanges.findIndex((exchange) => exchange.code === name)
    const beginnings = isGuest(name) ? operations : operations.filter(({ what }) => what === 'login')
    return {
      name,
      user: operations[0]?.user ?? '',
      operations,
      credentials: credentialsOf(operations),
      farewells: farewells.filter(({ guest = '' }) => sessionOf(guest) === name),
      place: place === -1 ? NEVER : place,
      exchange: exchanges[place],
      begun: Math.min(...beginnings.map(({ from }) => from)),
      known: Math.min(...operations.filter(isGood).map(({ to }) => to)),
    }
  })
}

function credentialsOf(operations: Operation[]): Credential[] {
  const asked = groupedBy(operations, presentedBy)
  const given = groupedBy(operations, ({ answer }) => answer?.credential)
  return [...new Set([...asked.keys(), ...given.keys()])].map((name) => {
    const theirs = asked.get(name) ?? []
    const proofs = [...theirs.filter(isAccepted), ...(given.get(name) ?? [])]
    return { name, operations: theirs, known: Math.min(...proofs.map(({ to }) => to)) }
  })
}

/** The credential that an answer says something of; for a login, that with which its session begins. */
function presentedBy({ what, session, credential }: Operation): string | undefined {
  return what === 'login' ? session : credential
}

/** Whether a request has put another credential in the place of the one that it presented. */
export function isRotated({ what, credential, answer }: Operation): boolean {
  return what !== 'login' && credential !== undefined && (answer?.credential ?? credential) !== credential
}

/** Whether a login has begun its session, and the guest who logged in is over. */
export function isFarewell({ guest, answer }: Operation): boolean {
  return guest !== undefined && answer?.status === 200 && answer.isNew === true
}

/** The session of a guest from whom a session has what it began with: its answers show what the guest wrote. */
export function guestBefore(session: Session, sessions: readonly Session[]): Session | undefined {
  const shown = new Set(session.operations.flatMap(({ answer }) => answer?.tokens ?? []))
  return sessions.find(
    (guest) =>
      guest.farewells.some((login) => login.session === session.name) &&
      writesOf(guest).some(({ token = '' }) => shown.has(token)),
  )
}

export function writesOf({ operations }: Session): Operation[] {
  return operations.filter(({ what }) => what === 'write')
}

function groupedBy<Item>(items: Item[], keyOf: (item: Item) => string | undefined): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return groups
}
