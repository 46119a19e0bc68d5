import type { Context } from 'koa'
import type { Carrier, Presented } from './carriers/carrier.js'
import type { FoundSession, OpenSession } from './session/session.js'

/** The session whose credential a client has to be given: it holds another one, or none. */
export function owed(
  carrier: Carrier,
  session: OpenSession | undefined,
  held: string | undefined,
): FoundSession | undefined {
  if (!carrier.give) return undefined
  const current = session?.current()
  return current && current.credential !== held ? current : undefined
}

/** Gives a client the credential of a session. */
export async function give(
  ctx: Context,
  carrier: Carrier,
  { credential, record }: FoundSession,
): Promise<void> {
  if (ctx.headerSent) return
  const { appId, user, created, expires } = record
  await carrier.give?.(ctx, { credential, appId, session: { user, created, expires } })
  keepFromCaches(ctx)
}

/** What names a user must stay in no cache, whatever the handler says of its own answer. */
export function keepFromCaches(ctx: Context): void {
  if (!ctx.headerSent) ctx.set('Cache-Control', 'no-store')
}

/** The credential that a client need not be given again. */
export function heldBy(carrier: Carrier, presented: Presented, found: FoundSession): string | undefined {
  if (carrier.tellsEnd && found.isRenewed) return undefined
  // One that nobody could look up is not given a new one.
  return presented.isOld && !found.isClaimed ? undefined : presented.credential
}
