import type { Captured } from './capture.js'
import { REQUEST_MAX } from './capture.js'
import { decodeHeaders, type Pairs } from './decode.js'
import { type Mask, maskedBody, maskedPath } from './mask.js'
import type { BodyView, Entry, RequestEntry } from './protocol.js'
import type { Remembered, Trace } from './trace.js'

/** Characters of a body that are shown. */
const SHOWN_MAX = 16_000

/** What the page gets of an entry: its secrets are cut. */
export function viewOf(entry: Remembered, mask: Mask): Entry {
  return entry.type === 'event' ? entry : requestView(entry, mask)
}

function requestView(trace: Trace, mask: Mask): RequestEntry {
  const { id, at, method, path, http, from, headers, steps, faults } = trace
  const { identity, signature, replayOf, app, response } = trace
  const prefix = app?.prefix ?? ''
  const body = trace.body()
  const shown = trace.hasBody ? bodyView(body, headers, mask, true) : undefined
  return {
    ...{ type: 'request', id, at, method, http, from, faults },
    // A copy: more may happen while this waits to be sent.
    steps: [...steps],
    path: maskedPath(path, mask),
    headers: decodeHeaders(headers, prefix, mask),
    isSeen: app !== undefined,
    canReplay: canReplay(trace),
    ...(shown && { body: shown }),
    ...(identity && { identity }),
    ...(signature && { signature }),
    ...(replayOf && { replayOf }),
    ...(response && {
      response: {
        status: response.status,
        headers: decodeHeaders(response.headers, prefix, mask),
        ms: response.ms,
        isAborted: response.isAborted,
        ...withBody(bodyView(response.body, response.headers, mask, false)),
      },
    }),
  }
}

/** Whether all that it needs is there. */
export function canReplay(trace: Trace): boolean {
  const size = trace.body()?.size ?? 0
  const isWhole = trace.hasBody ? size > 0 && size >= sizeOf(trace.headers) : true
  return trace.target !== undefined && isWhole && size <= REQUEST_MAX
}

function withBody(body: BodyView | undefined): { body?: BodyView } {
  return body ? { body } : {}
}

function bodyView(
  body: Captured | undefined,
  headers: Pairs,
  mask: Mask,
  isRequest: boolean,
): BodyView | undefined {
  if (!body || body.size === 0)
    return isRequest ? { text: '', size: sizeOf(headers), isCut: true, hidden: 'not seen' } : undefined
  const { bytes, size } = body
  const common = { size, isCut: bytes.length < size || bytes.length > SHOWN_MAX }
  if (headerOf(headers, 'content-encoding')) return { text: '', ...common, hidden: 'encoded' }
  if (!isText(bytes)) return { text: '', ...common, hidden: 'binary' }
  return { text: maskedBody(bytes.subarray(0, SHOWN_MAX).toString('utf8'), mask, isRequest), ...common }
}

function sizeOf(headers: Pairs): number {
  return Number(headerOf(headers, 'content-length') ?? 0) || 0
}

function headerOf(headers: Pairs, wanted: string): string | undefined {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
}

/** No text has a zero in it; and what is no UTF-8 has more replacements than a cut end makes. */
function isText(bytes: Buffer): boolean {
  const start = bytes.subarray(0, 1000)
  return !start.includes(0) && start.toString('utf8').split('\uFFFD').length < 4
}
