import type { Context } from 'koa'
import { WeappSessionError } from './errors.js'

/** Requests that came through a gateway which swallows statuses other than 200 (`legacyStatus`). */
const legacy = new WeakSet<object>()

export function useLegacyStatus(ctx: Context): void {
  legacy.add(ctx)
}

/** Headers that spoke of a body which is not sent after all. */
const BODY_HEADERS = ['Content-Encoding', 'Content-Disposition', 'ETag', 'Last-Modified']

/** Answers with a refusal. What is none is not ours to answer, and is thrown on. */
export function refuse(ctx: Context, error: unknown): void {
  if (!(error instanceof WeappSessionError)) throw error
  ctx.$wxUserInfo = null
  ctx.$wxSession = null
  if (ctx.headerSent) throw error

  for (const name of BODY_HEADERS) ctx.remove(name)
  ctx.status = legacy.has(ctx) ? 200 : error.status
  ctx.set(error.headers)
  ctx.body = error.toJSON()
}
