import type { Context } from 'koa'
import { type Diagnostics, diagnostics } from './diagnostics.js'
import { WeappSessionError } from './errors.js'

const LEGACY_STATUS = Symbol('koa-weapp-session: legacyStatus')

const refusals = diagnostics('refusal')

/** Answers the refusals of this request with status 200, wherever in the stack they are made. */
export function useLegacyStatus(ctx: Context): void {
  Object.defineProperty(ctx, LEGACY_STATUS, { value: true })
}

/** Headers that spoke of a body which is not sent after all. */
const BODY_HEADERS = [
  'Content-Disposition',
  'Content-Encoding',
  'Content-Range',
  'ETag',
  'Last-Modified',
  'Location',
]

/**
 * Answers with a refusal; what is none is thrown on. One that is not the client's fault also goes to
 * `app.on('error')`, with its cause: Koa itself prints it no more than it prints other errors that are exposed.
 */
export function refuse(ctx: Context, error: unknown): void {
  ctx.$wxUserInfo = null
  ctx.$wxSession = null
  if (!(error instanceof WeappSessionError)) throw error
  if (refusals.hasSubscribers) refusals.publish(described(error))
  if (error.status >= 500) ctx.app.emit('error', error, ctx)
  // A handler has answered by itself: what could not be saved is all that is left to say.
  if (ctx.headerSent || ctx.respond === false) return

  for (const name of BODY_HEADERS) ctx.remove(name)
  ctx.status = LEGACY_STATUS in ctx ? 200 : error.status
  ctx.set(error.headers)
  ctx.body = error.toJSON()
}

function described({ reason, status, message, detail, rid }: WeappSessionError): Diagnostics['refusal'] {
  return { reason, status, message, ...detail, ...(rid && { rid }) }
}
