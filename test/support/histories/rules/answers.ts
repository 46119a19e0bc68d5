import { type Operation, PATIENCE } from '../history.js'
import type { Scene } from '../rules.js'
import { isRotated, NEVER } from '../sessions.js'

/** Every request ends, in time, with an answer that its kind can have; without any only if its server died. */
export function checkAnswer(operation: Operation, { history, violate }: Scene): void {
  const { user, server, from, to, answer } = operation
  const { deaths } = history
  if (to - from >= PATIENCE) violate(user, 'a request does not end', operation)
  else if (answer === undefined) {
    if ((deaths.get(server) ?? NEVER) > to) violate(user, 'no answer from a server that lives', operation)
  } else if (!statusesOf(operation).includes(answer.status)) violate(user, 'an impossible answer', operation)
  else if (answer.status === 409 && answer.reason !== 'ERR_SESSION_CONFLICT')
    violate(user, 'a conflict for another reason', operation)
  else if (operation.what === 'rotate' && answer.status === 200 && !isRotated(operation))
    violate(user, 'a rotation changes nothing', operation)
}

function statusesOf({ what, credential }: Operation): number[] {
  // Who presents nothing cannot be refused, and nobody else can write to what has just begun.
  if (what === 'write' && credential === undefined) return [200, 503]
  return STATUSES[what]
}

/** The answers that each kind of request can have. */
const STATUSES: Record<Operation['what'], number[]> = {
  login: [200, 401, 409, 429, 502, 503, 504],
  read: [200, 401, 503],
  write: [200, 401, 409, 503],
  rotate: [200, 401, 409, 503],
  logout: [200, 401, 409, 503],
  revoke: [200, 503],
}
