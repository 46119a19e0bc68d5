import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import { beforeHeaders } from '../util/before-headers.js'
import type { Pairs } from './decode.js'

/** Bytes of a body that are kept: of a request, which may be sent again, and of an answer. */
export const REQUEST_MAX: number = 64 * 1024
const RESPONSE_MAX: number = 16 * 1024

/** What was kept of a body. */
export interface Captured {
  /** No more than was asked for. */
  bytes: Buffer
  /** Of the whole. */
  size: number
}

/**
 * Keeps the beginning of a request's body as it comes in, and leaves it to whoever reads it: it listens where Node hands the
 * bytes to the stream, so nothing begins to flow, and no parser has to know.
 */
export function captureRequest(request: IncomingMessage): () => Captured {
  const kept = createKeeper(REQUEST_MAX)
  const { push } = request
  request.push = function pushed(chunk: unknown, encoding?: BufferEncoding) {
    kept.add(chunk, encoding)
    return push.call(this, chunk, encoding)
  }
  return kept.captured
}

/** Whether a request says that it has a body. */
export function hasBody(request: IncomingMessage): boolean {
  const { headers, stream } = request as IncomingMessage & { stream?: { endAfterHeaders?: boolean } }
  return (
    Number(headers['content-length']) > 0 ||
    'transfer-encoding' in headers ||
    stream?.endAfterHeaders === false
  )
}

/** A body that a parser before us has read: as it came where that is known, else printed anew. */
export function parsedBody(ctx: Context): Captured | undefined {
  const { rawBody, body } = ctx.request as { rawBody?: unknown; body?: unknown }
  const text = typeof rawBody === 'string' ? rawBody : printed(body)
  if (text === undefined || text === '{}') return undefined
  const bytes = Buffer.from(text)
  return { bytes: bytes.subarray(0, REQUEST_MAX), size: bytes.length }
}

/** What an answer has said. */
export interface CapturedResponse {
  status: number
  headers: Pairs
  body: Captured
}

/** Keeps an answer, whoever writes it. */
export function captureResponse(response: ServerResponse): () => CapturedResponse {
  const kept = createKeeper(RESPONSE_MAX)
  let headers: Pairs = []
  beforeHeaders(response, () => {
    headers = headersOf(response)
  })
  // The last piece of HTTP/2 is written by its `write()`.
  let isInside = false
  for (const method of ['write', 'end'] as const) {
    const original = response[method] as (...args: unknown[]) => unknown
    Object.defineProperty(response, method, {
      configurable: true,
      writable: true,
      value: function written(this: ServerResponse, ...args: unknown[]) {
        if (!isInside)
          kept.add(args[0], typeof args[1] === 'string' ? (args[1] as BufferEncoding) : undefined)
        isInside = true
        try {
          return original.apply(this, args)
        } finally {
          isInside = false
        }
      },
    })
  }
  return () => ({ status: response.statusCode, headers, body: kept.captured() })
}

/** Headers with their own letters; what is there more than once, once each. */
function headersOf(response: ServerResponse): Pairs {
  // Node has it, and its types do not know it; HTTP/2 has no letters to keep.
  const raw = response as ServerResponse & { getRawHeaderNames?(): string[] }
  const names = raw.getRawHeaderNames?.() ?? response.getHeaderNames()
  return names.flatMap((name) =>
    [response.getHeader(name) ?? []].flat().map((value): [string, string] => [name, String(value)]),
  )
}

/** Node's list of names and values in turn, as pairs. */
export function pairsOf(raw: readonly string[]): Pairs {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as [string, string]] : []))
}

function createKeeper(max: number) {
  let bytes = Buffer.alloc(0)
  let size = 0
  return {
    add(chunk: unknown, encoding?: BufferEncoding): void {
      if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
      const added = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
      if (bytes.length < max) bytes = Buffer.concat([bytes, added.subarray(0, max - bytes.length)])
      size += added.length
    },
    captured: (): Captured => ({ bytes, size }),
  }
}

function printed(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined
  try {
    return typeof body === 'string' ? body : JSON.stringify(body)
  } catch {
    return undefined
  }
}
