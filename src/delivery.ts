import type { Context } from 'koa'
import type { Carrier, Presented } from './carriers/carrier.js'
import type { FoundSession, OpenSession } from './session.js'

/** Gives clients the credentials that they do not have yet. */
export interface Delivery {
  /** Before the handlers, which may send headers early, and after them, who may have changed the session. */
  deliver(session: OpenSession | undefined): Promise<void>
}

/** `held`: what the client has already. */
export function delivery(ctx: Context, carrier: Carrier, held: string | undefined): Delivery {
  let client = held
  let hasGiven = false

  return {
    async deliver(session) {
      const current = session?.current()
      if (!current || !carrier.give || ctx.headerSent) return
      if (current.credential !== client) {
        await carrier.give(ctx, givenOf(current))
        client = current.credential
        hasGiven = true
      }
      // Said again after the handlers: what names a user must stay in no cache.
      if (hasGiven) ctx.set('Cache-Control', 'no-store')
    },
  }
}

/** The credential that a client need not be given again. */
export function heldBy({ credential, isOld }: Presented, { isClaimed }: FoundSession): string | undefined {
  // One that nobody could look up is not given a new one.
  return isOld && !isClaimed ? undefined : credential
}

function givenOf({ credential, record }: FoundSession) {
  const { appId, openId, unionId, profile, created, expires } = record
  const about = { openId, ...(unionId && { unionId }), ...(profile && { profile }), created, expires }
  return { credential, appId, session: about }
}
