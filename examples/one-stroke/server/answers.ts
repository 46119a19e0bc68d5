import type { Context, Middleware } from 'koa'
import { WeappSessionError } from 'koa-weapp-session'
import { DrawingError } from './errors.js'

/** What became of one request, for the log: nothing that the user sent but the path, and no credential. */
export interface LogEntry {
  method: string
  path: string
  status: number
  /** Why it was refused. */
  reason?: string
  /** How long it took. */
  ms: number
  /** The client's address; behind a proxy, see `app.proxy`. */
  ip: string
  /** What went wrong on our side. */
  error?: unknown
}

export type Log = (entry: LogEntry) => void

/** The original app's answer to what worked. */
export function succeed(ctx: Context, data: unknown): void {
  ctx.body = { code: 0, msg: 'success', data }
}

/** The original app's answer to what did not. */
function fail(ctx: Context, { reason, status, message }: DrawingError): void {
  ctx.status = status
  if (status === 503) ctx.set('Retry-After', '1')
  ctx.body = { code: -1, msg: 'fail', error: { reason, message } }
  ctx.state.reason = reason
}

/**
 * Answers whatever goes wrong in the original app's manner, and logs every request. Refusals of the session
 * middleware stay as they are: its client reads them.
 */
export function answers(log: Log): Middleware {
  return async function answers(ctx, next) {
    const began = performance.now()
    // Drawings are their owner's, and no cache's.
    ctx.set('Cache-Control', 'no-store')
    try {
      await next()
      if (ctx.status === 404 && !ctx.body) throw new DrawingError('ERR_NOT_FOUND', 'There is nothing here.')
      if (ctx.status === 405)
        throw new DrawingError('ERR_METHOD_NOT_ALLOWED', 'This is done by another method.')
    } catch (error) {
      if (error instanceof WeappSessionError) refuse(ctx, error)
      else fail(ctx, refusalOf(ctx, error))
    }

    const { method, path, status, ip } = ctx
    const reason = refusalIn(ctx.response) || ctx.state.reason
    const { error } = ctx.state
    const ms = Math.round(performance.now() - began)
    log({ method, path, status, ...(reason && { reason }), ms, ip, ...(error !== undefined && { error }) })
  }
}

/** Of a handler that called `ctx.$wxSession.destroy()`, say, while Redis was away. */
function refuse(ctx: Context, error: WeappSessionError): void {
  ctx.status = error.status
  ctx.set(error.headers)
  ctx.body = error.toJSON()
}

/** The reason of the session middleware, which speaks as the request does: in names of this project, or in those of 2016. */
function refusalIn(response: Context['response']): string {
  return response.get('Weapp-Session-Error') || response.get('X-WX-Session-Error')
}

/** What a client may know of an error. The error itself is for the log. */
function refusalOf(ctx: Context, error: unknown): DrawingError {
  if (error instanceof DrawingError) {
    if (error.status >= 500) ctx.state.error = error.cause ?? error
    return error
  }
  ctx.state.error = error
  return new DrawingError('ERR_INTERNAL', 'Something went wrong on our side.')
}
