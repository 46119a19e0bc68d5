import type { Context } from 'koa'
import type { SessionCarrier } from './carriers/carrier.js'
import { type Diagnostics, diagnostics } from './diagnostics.js'
import { WeappSessionError } from './errors.js'
import type { LoadedSession, PresentedCredential } from './session/session.js'

const LEGACY_STATUS = Symbol('koa-weapp-session: legacyStatus')

const refusals = diagnostics('refusal')

/** Answers the refusals of this request with status 200, wherever in the stack they are made. */
export function useLegacyStatus(ctx: Context): void {
  Object.defineProperty(ctx, LEGACY_STATUS, { value: true })
}

/** Headers that described a body which is not sent after all. */
const BODY_HEADERS = [
  'Content-Disposition',
  'Content-Encoding',
  'Content-Range',
  'ETag',
  'Last-Modified',
  'Location',
]

/**
 * Answers with a refusal; any other error is thrown on. A refusal that is not the client's fault also goes to
 * `app.on('error')`, with its cause. Koa's own handler does not log errors with `expose: true`.
 */
export function refuse(ctx: Context, error: unknown): void {
  ctx.$wxUserInfo = null
  ctx.$wxSession = null
  if (!(error instanceof WeappSessionError)) throw error
  if (refusals.hasSubscribers) refusals.publish(describe(error))
  if (error.status >= 500) ctx.app.emit('error', error, ctx)
  // A handler has answered by itself: that the session could not be saved can no longer be said.
  if (ctx.headerSent || ctx.respond === false) return

  for (const name of BODY_HEADERS) ctx.remove(name)
  ctx.status = LEGACY_STATUS in ctx ? 200 : error.status
  ctx.set(error.headers)
  ctx.body = error.toJSON()
}

/**
 * The session whose credential must be sent, or `undefined` if the client already holds it.
 *
 * @param held - the credential on the client
 */
export function needsIssue(
  current: LoadedSession | undefined,
  held: string | undefined,
): LoadedSession | undefined {
  return current && current.credential !== held ? current : undefined
}

/** Sends the client the credential of a session. */
export async function issue(
  ctx: Context,
  carrier: SessionCarrier,
  { credential, record }: LoadedSession,
): Promise<void> {
  if (ctx.headerSent) return
  const { appId, user, created, expires } = record
  await carrier.issue?.(ctx, { credential, appId, session: { user, created, expires } })
  keepFromCaches(ctx)
}

/** An answer that names a user must stay in no cache, whatever the handler says of it. */
export function keepFromCaches(ctx: Context): void {
  if (!ctx.headerSent) ctx.set('Cache-Control', 'no-store')
}

/** The credential on the client; `undefined` if it needs the same one again. */
export function credentialOnClient(
  carrier: SessionCarrier,
  presented: PresentedCredential,
  session: LoadedSession,
): string | undefined {
  if (carrier.hasExpiry && session.isRenewed) return undefined
  // Without a look at the store, nobody knows that the session deserves another credential.
  return presented.shouldReissue && !session.isPartial ? undefined : presented.credential
}

function describe({ reason, status, message, detail, rid }: WeappSessionError): Diagnostics['refusal'] {
  return { reason, status, message, ...detail, ...(rid && { rid }) }
}
