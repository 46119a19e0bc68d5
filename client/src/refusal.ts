import { ERROR_HEADER, LOGIN_HEADER, LOGIN_REQUIRED, MAGIC_ID, type Reason } from '../../src/protocol.js'
import type { Failure } from './errors.js'
import { attempt, isObject } from './util.js'

/** What a server said when it refused. */
export interface Refusal extends Failure {
  reason: Reason
  /** HTTP status, or what it would be where `legacyStatus` or an older server made it 200. */
  statusCode: number
  /** Seconds; 0 when the server did not say. */
  retryAfter: number
}

/** What a server says of a session that it does not know. */
export const EXPIRED: Answer = { statusCode: 401, header: { [ERROR_HEADER]: 'ERR_SESSION_EXPIRED' } }

/** Asks for another login, before a handler has begun: whatever was sent may be sent again. */
export const WANTS_LOGIN = /^ERR_(SESSION_EXPIRED|LOGIN_REQUIRED|SESSION_KEY_EXCHANGE_FAILED)$/

/** Asks for patience. */
const WANTS_TIME = /^ERR_(SESSION_CONFLICT|STORE_UNAVAILABLE)$/

/** What is known of an answer when it begins. */
export interface Head {
  statusCode?: number
  header?: Record<string, unknown> | undefined
  /** Each `Set-Cookie`, where `wx` has them apart. */
  cookies?: string[] | undefined
}

/** What a refusal can be read from. */
export interface Answer extends Head {
  statusCode: number
  data?: unknown
}

interface Body {
  reason?: Reason
  error?: { detail?: { errcode?: number } }
}

/** A refusal is short: what is longer (bytes) is somebody's file. */
const SHORT = 2048

/** The refusal in an answer of any kind: in its header, or in its body, whatever type that has. */
export function readRefusal({ statusCode, data, header }: Answer): Refusal | undefined {
  const body = magicBody(data)
  const { reason, error } = body || ({} as Body)
  const named = headerOf(header, ERROR_HEADER) || reason
  if (!body && !named) return undefined

  const { errcode } = (error && error.detail) || ({} as { errcode?: number })
  // Whatever else a server may say there.
  const message = (typeof named === 'string' ? named : '') as Reason
  const status = statusCode === 200 ? meantStatus(errcode) : statusCode
  return {
    code: 'ERR_REFUSED',
    message,
    reason: message,
    statusCode: status,
    retryable: status !== 403 && (WANTS_LOGIN.test(message) || WANTS_TIME.test(message)),
    retryAfter: Number(headerOf(header, 'Retry-After')) || 0,
  }
}

/** Whether the session is over although a handler has begun: the next request logs in, and this one is not repeated. */
export function isOver({ header }: Head): boolean {
  return headerOf(header, LOGIN_HEADER) === LOGIN_REQUIRED
}

/** WeChat gives header names as they were sent, or in lower case over HTTP/2. */
export function headerOf(header: Record<string, unknown> = {}, name: string): unknown {
  const key = Object.keys(header).find((key) => key.toLowerCase() === name.toLowerCase())
  return key && header[key]
}

/** The body of a refusal: JSON that `wx` has parsed, or text, or bytes. */
function magicBody(data: unknown): Body | undefined {
  if (data instanceof ArrayBuffer) return data.byteLength < SHORT ? magicBody(asciiOf(data)) : undefined
  if (typeof data === 'string' && data.includes(MAGIC_ID)) return magicBody(parse(data))
  return isObject(data) && MAGIC_ID in data ? (data as Body) : undefined
}

function parse(text: string): unknown {
  // A text in which the id stands by chance.
  return attempt(() => JSON.parse(text) as unknown)
}

/** Enough to find the reason by: there is no TextDecoder in a mini program. */
function asciiOf(bytes: ArrayBuffer): string {
  return String.fromCharCode(...new Uint8Array(bytes))
}

function meantStatus(errcode: number | undefined): number {
  if (errcode === 40226) return 403
  return errcode === 45011 || errcode === 45009 ? 429 : 401
}
