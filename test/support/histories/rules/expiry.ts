import { isGood } from '../history.js'
import { type Scene, SLACK } from '../rules.js'
import { NEVER, type Session } from '../sessions.js'

/** No session lives longer than it may, whatever its credential is by then. */
export function checkExpiry({ user, operations, known }: Session, { settings, violate }: Scene): void {
  const { ttl, maxAge } = settings
  for (const operation of operations.filter(isGood)) {
    const uses = operations.filter(({ from }) => maxAge !== undefined && from < operation.from)
    const lastUse = Math.max(known, ...uses.filter((use) => use !== operation).map(({ to }) => to))
    const expiry = Math.min(lastUse + ttl, known + (maxAge ?? NEVER))
    if (operation.from > expiry + SLACK) violate(user, 'a session is good after its expiry', operation)
  }
}
