import * as Sentry from 'sentry-miniapp'
import { createSession } from 'weapp-session-client'

// As early as possible, as its documents say. Its own reports go past the session.
Sentry.init({ dsn: 'https://key@sentry.example.com/1' })

export const session = createSession({ baseUrl: 'https://api.example.com' })
export { Sentry }
