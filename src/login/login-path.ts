import type { Context } from 'koa'
import { WeappSessionError } from '../errors.js'
import { LOGIN_ACCEPTED } from '../protocol.js'
import { isObject, parseObject } from '../util/json.js'
import { checkedLogin, LOGIN_BODY_MAX, type Login } from './read-login.js'

/**
 * Reads `{ code, rawData?, signature?, encryptedData?, iv? }`; or takes what a body parser before us has read.
 *
 * @throws {WeappSessionError} as for a login in headers; ERR_BAD_REQUEST, 415, for what is not sent as JSON
 */
export async function readLoginBody(ctx: Context): Promise<Login> {
  if (!isJson(ctx.get('Content-Type'))) throw new WeappSessionError('ERR_BAD_REQUEST', NO_JSON)
  const { body } = ctx.request as { body?: unknown }
  // Not through a promise: what somebody has left there is asked for nothing but its fields, not even for a `then`.
  const fields = fieldsOf(body ?? (await readText(ctx)))
  if (!fields)
    throw new WeappSessionError('ERR_BAD_REQUEST', {
      message: 'The body must be a JSON object: { code, … }.',
    })
  return checkedLogin(fields, (field) => `\`${field}\``)
}

/**
 * Who has logged in, and for how long. The body says the word too, and has the credential (`session` or `token`): some
 * clients read no headers, and some gateways drop them.
 */
export function answerLogin(ctx: Context, credential: object | undefined): void {
  const { $wxUserInfo: user, $wxSession: session } = ctx
  ctx.body = { login: LOGIN_ACCEPTED, user, expiresAt: session?.expiresAt, ...credential }
}

/** Nobody has a session under the credential of the request, now or before. */
export function answerLogout(ctx: Context): void {
  ctx.body = { logout: 'done' }
}

/**
 * A form, or a script of another page that need not ask first, can send a text in JSON's shape, but never say that it is
 * JSON (Fetch, "CORS-safelisted request-header"). JSON is UTF-8 (RFC 8259, 8.1), so a charset can say no more than that.
 */
function isJson(contentType: string): boolean {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';', 8)
  return type.trim() === 'application/json' && parameters.every(isHarmless)
}

function isHarmless(parameter: string): boolean {
  const [name = '', value = ''] = parameter.split('=', 2)
  return name.trim() !== 'charset' || /^"?utf-?8"?$/.test(value.trim())
}

const NO_JSON = {
  status: 415,
  message: 'Content-Type must be application/json: wx.request sends an object so by itself.',
}

function fieldsOf(body: unknown): Record<string, unknown> | undefined {
  if (typeof body === 'string') return body.length <= LOGIN_BODY_MAX ? parseObject(body) : undefined
  return isObject(body) ? body : undefined
}

async function readText(ctx: Context): Promise<string> {
  // Not before somebody logs in here: what it brings to decode other charsets takes 10 ms to load.
  const { default: getRawBody } = await import('raw-body')
  const { length } = ctx.request
  return getRawBody(ctx.req, { length: length ?? null, limit: LOGIN_BODY_MAX, encoding: 'utf8' }).catch(
    (cause: unknown) => {
      const message = `The body could not be read, or is longer than ${LOGIN_BODY_MAX} bytes.`
      throw new WeappSessionError('ERR_BAD_REQUEST', { message, cause })
    },
  )
}
