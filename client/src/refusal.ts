import { MAGIC_ID, type Reason } from '../../src/protocol.js'
import { type Answer, headerOf, ourHeader } from './answer.js'
import type { Failure } from './errors.js'
import { isObject, orUndefined, textOf } from './util.js'

/** What a server says when it refuses a request. */
export interface Refusal extends Failure {
  reason: Reason
  /** The HTTP status, or what it would be if `legacyStatus` or an older server had not made it 200. */
  status: number
  statusCode: number
  /** Seconds; 0 when the server does not say. */
  retryAfter: number
}

/** The answer of a server that does not know the session. */
export const EXPIRED: Answer = { statusCode: 401, data: { [MAGIC_ID]: 1, reason: 'ERR_SESSION_EXPIRED' } }

/** Each family has one reason: of the exchange of the key, and of a login. */
const WANTS_LOGIN = /^ERR_(SESSION_(EXPIRED|KEY_\w+)|LOGIN_\w+)$/
const WANTS_TIME = /^ERR_(SESSION_CONFLICT|STORE_UNAVAILABLE)$/

interface Body {
  reason?: Reason
  error?: { message?: unknown; detail?: { errcode?: number } }
}

/** Bytes. A refusal is short; a longer answer is a file of the app. */
const SHORT = 2048

/** The refusal in an answer, if it is one: from its header, or from its body, whatever type the body has. */
export function readRefusal(answer: Answer): Refusal | undefined {
  const { statusCode, data, header } = answer
  const body = refusalBody(data)
  const { reason: inBody, error } = Object(body) as Body
  const named = ourHeader(answer, 'Session-Error') || inBody
  if (!body && !named) return undefined

  const { message, detail } = Object(error) as NonNullable<Body['error']>
  const { errcode } = Object(detail) as { errcode?: number }
  // A server may put anything there.
  const reason = textOf(named) as Reason
  const serverMessage = textOf(message)
  const status = statusCode === 200 ? meantStatus(errcode) : statusCode
  const ofWeChat = errcode ? ` (WeChat ${errcode})` : ''
  return {
    code: 'ERR_REFUSED',
    message: `${status} ${reason}${ofWeChat}${serverMessage && `: ${serverMessage}`}`,
    reason,
    status,
    statusCode: status,
    errcode,
    serverMessage,
    retryable: status !== 403 && (WANTS_LOGIN.test(reason) || WANTS_TIME.test(reason)),
    retryAfter: Number(textOf(headerOf(header, 'Retry-After'))) || 0,
  }
}

/** Whether a refusal asks for another login. No handler has seen the request, so any request may be repeated. */
export function wantsLogin({ reason }: Failure): boolean {
  return WANTS_LOGIN.test(`${reason}`)
}

/**
 * Whether a call that can do without a session goes out without one: there is no code, or the server refuses it. Not where
 * the server is in trouble, which would make users guests; nor where a handler may have seen the request.
 */
export function leavesOut(failure: Failure | false | undefined): boolean {
  if (!failure) return false
  const { code, reason } = failure
  return code === 'ERR_LOGIN' || wantsLogin(failure) || /UNTRUSTED|BAD_REQUEST/.test(`${reason}`)
}

/** The body of a refusal: JSON that `wx` has parsed, a text, or bytes. A text may contain the id by chance, and be no JSON. */
function refusalBody(data: unknown): Body | undefined {
  // ASCII is enough to find the reason, and a mini program has no TextDecoder.
  const isShort = data instanceof ArrayBuffer && data.byteLength < SHORT
  const text = isShort ? String.fromCharCode(...new Uint8Array(data)) : data
  const isText = typeof text === 'string' && text.includes(MAGIC_ID)
  const body = isText ? orUndefined(() => JSON.parse(text) as unknown) : text
  return isObject(body) && MAGIC_ID in body ? (body as Body) : undefined
}

function meantStatus(errcode: number | undefined): number {
  if (errcode === 40226) return 403
  return errcode === 45011 || errcode === 45009 ? 429 : 401
}
