import { isGood, isGuest, sessionOf } from '../history.js'
import type { Scene } from '../rules.js'
import type { Session } from '../sessions.js'

/** Each good answer says the user whose phone was given the code, or nobody to a guest. */
export function checkIdentity({ name, user, operations }: Session, { settings, violate }: Scene): void {
  const expected = isGuest(name) ? undefined : settings.openIds.get(user)
  for (const operation of operations.filter(isGood)) {
    if (operation.answer?.openId !== expected) violate(user, 'an answer for somebody else', operation)
  }
  for (const operation of operations) {
    const { credential = name } = operation.answer ?? {}
    if (sessionOf(credential) !== name) violate(user, 'the credential of another session', operation)
  }
}
