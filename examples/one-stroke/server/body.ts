import type { Context } from 'koa'
import getRawBody from 'raw-body'
import { DrawingError } from './errors.js'

/** Bytes of a request's body. */
const BODY_MAX = 1024 * 1024

/**
 * Reads a body that is a JSON object.
 *
 * @throws {DrawingError} ERR_BODY_INVALID, ERR_DRAWING_TOO_LARGE
 */
export async function readObject(ctx: Context): Promise<Record<string, unknown>> {
  const { length = null } = ctx.request
  const text = await getRawBody(ctx.req, { length, limit: BODY_MAX, encoding: 'utf8' }).catch(refuse)
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw noObject()
  return value as Record<string, unknown>
}

function refuse(cause: unknown): never {
  // raw-body tells its errors apart by `type`.
  const { type } = cause as { type?: string }
  if (type === 'entity.too.large') {
    throw new DrawingError('ERR_DRAWING_TOO_LARGE', `A body has ${BODY_MAX} bytes at most.`, { cause })
  }
  throw new DrawingError('ERR_BODY_INVALID', 'The body did not arrive whole.', { cause })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw noObject(cause)
  }
}

function noObject(cause?: unknown): DrawingError {
  return new DrawingError('ERR_BODY_INVALID', 'The body must be a JSON object.', { cause })
}
