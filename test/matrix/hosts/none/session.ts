import { createSession, type Session } from 'weapp-session-client'

/** Alipay's `my` has no login by a code of this kind. */
export const session: Session = createSession({ wx: { request: () => ({ abort() {} }) } })
