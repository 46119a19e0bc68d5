import type { Context } from 'koa'
import getRawBody from 'raw-body'
import { checkedLogin, type Login } from './credentials.js'
import { WeappSessionError } from './errors.js'
import { parseObject } from './user-data.js'

/** Bytes: far more than any profile, and its encrypted data, need. */
const BODY_MAX = 64 * 1024

/** Whether a request logs in on the path that is only for that. */
export function isLoginPath(ctx: Context, loginPath: string | undefined): boolean {
  return loginPath !== undefined && ctx.path === loginPath && ctx.method === 'POST'
}

/**
 * Reads `{ code, rawData?, signature?, encryptedData?, iv? }`; or takes what a body parser before us has read.
 *
 * @throws {WeappSessionError} as for a login in headers
 */
export async function readLoginBody(ctx: Context): Promise<Login> {
  const { body } = ctx.request as { body?: unknown }
  const fields = typeof body === 'object' && body !== null ? body : parseObject(await readText(ctx))
  if (!fields) throw new WeappSessionError('ERR_BAD_REQUEST', { message: 'The body is not a JSON object.' })
  return checkedLogin(fields)
}

/** Who has logged in, and how long that lasts. */
export function answerLogin(ctx: Context): void {
  const { $wxUserInfo: user, $wxSession: session } = ctx
  ctx.set('Cache-Control', 'no-store')
  ctx.body = { user, expiresAt: session?.expiresAt }
}

function readText(ctx: Context): Promise<string> {
  const { length } = ctx.request
  return getRawBody(ctx.req, { length: length ?? null, limit: BODY_MAX, encoding: 'utf8' }).catch(
    (cause: unknown) => {
      throw new WeappSessionError('ERR_BAD_REQUEST', { message: 'The body could not be read.', cause })
    },
  )
}
