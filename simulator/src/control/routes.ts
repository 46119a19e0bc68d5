import type { Route } from './route.js'
import { CALL_ROUTES } from './routes/calls.js'
import { CLOCK_ROUTES } from './routes/clock.js'
import { FAULT_ROUTES } from './routes/faults.js'
import { PHONE_ROUTES } from './routes/phones.js'
import { TOKEN_ROUTES } from './routes/tokens.js'
import { USER_ROUTES } from './routes/users.js'
import { WHOLE_ROUTES } from './routes/whole.js'

/** All that the control API does. */
export const ROUTES: readonly Route[] = [
  ...WHOLE_ROUTES,
  ...USER_ROUTES,
  ...PHONE_ROUTES,
  ...TOKEN_ROUTES,
  ...FAULT_ROUTES,
  ...CLOCK_ROUTES,
  ...CALL_ROUTES,
]

/** What there is, for a reader: `POST /simulator/users/{name}/code` and a sentence for each. */
export function describeRoutes(): Record<string, string> {
  return Object.fromEntries(
    ROUTES.map(({ method, path, summary }) => [`${method} /simulator${path}`, summary]),
  )
}
