import { isGood } from '../history.js'
import type { Scene } from '../rules.js'
import type { Session } from '../sessions.js'

/**
 * A code is sent once. Who is told that it could not be exchanged knows that there is no session by it: none may
 * begin later, by a process that was stopped for longer than others wait for its login.
 */
export function checkExchange(session: Session, { history, violate }: Scene): void {
  const { name, user, operations } = session
  const times = history.exchanges.filter(({ code }) => code === name).length
  if (times > 1) violate(user, `WeChat is sent ${name} ${times} times`)

  const spent = operations.find(
    ({ answer }) => answer?.status === 401 && answer.reason === 'ERR_SESSION_KEY_EXCHANGE_FAILED',
  )
  const good = operations.find((operation) => isGood(operation))
  if (spent && good) violate(user, 'a code that was told to be spent has a session', spent, good)
}
