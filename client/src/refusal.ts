import { ERROR_HEADER, MAGIC_ID, type Reason } from '../../src/protocol.js'

/** What a server said when it refused. */
export interface Refusal {
  reason: Reason
  /** HTTP status, or what it would be where `legacyStatus` or an older server made it 200. */
  statusCode: number
  /** Seconds. */
  retryAfter: number | undefined
  message: string | undefined
}

/** What a refusal can be read from; a download has no more than a status. */
export interface Answer {
  statusCode: number
  data?: unknown
  header?: Record<string, unknown>
}

interface Body {
  reason?: Reason
  error?: { message?: string; detail?: { errcode?: number } }
}

/** The refusal in an answer of any kind: in its header, or in its body, whatever type that has. */
export function readRefusal({ statusCode, data, header }: Answer): Refusal | undefined {
  const named = headerOf(header, ERROR_HEADER) as Reason | undefined
  const body = magicBody(data)
  const reason = named || body?.reason
  if (!reason) return undefined

  const { message, detail } = body?.error || {}
  return {
    reason,
    statusCode: statusCode === 200 ? meantStatus(detail?.errcode) : statusCode,
    retryAfter: Number(headerOf(header, 'Retry-After')) || undefined,
    message,
  }
}

/** WeChat gives header names as they were sent, or in lower case over HTTP/2. */
function headerOf(header: Record<string, unknown> | undefined, name: string): string | undefined {
  const key = header && Object.keys(header).find((key) => key.toLowerCase() === name.toLowerCase())
  return key === undefined || !header ? undefined : String(header[key])
}

/** The body of a refusal: JSON that `wx` has parsed, or text, or bytes. */
function magicBody(data: unknown): Body | undefined {
  if (typeof data === 'string') return data.indexOf(MAGIC_ID) < 0 ? undefined : parse(data)
  if (typeof data !== 'object' || data === null) return undefined
  // A refusal is short: what is long is somebody's file.
  if (data instanceof ArrayBuffer) return data.byteLength > 2048 ? undefined : magicBody(asciiOf(data))
  return MAGIC_ID in data ? (data as Body) : undefined
}

function parse(text: string): Body | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null && MAGIC_ID in body ? (body as Body) : undefined
  } catch {
    return undefined
  }
}

/** Enough to find the reason by: there is no TextDecoder in a mini program. */
function asciiOf(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join('')
}

function meantStatus(errcode: number | undefined): number {
  if (errcode === 40226) return 403
  if (errcode === 45011 || errcode === 45009) return 429
  return 401
}
