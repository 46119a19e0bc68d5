import { randomBytes } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { connect } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { parseObject } from '../util/json.js'
import { decodeRawData, meaningOf, type Pairs } from './decode.js'
import type { Change } from './protocol.js'
import type { Trace } from './trace.js'

export const CHANGES: readonly Change[] = ['none', 'credential', 'rawData']

/** Names the request that is repeated. It is taken off again before anybody sees it. */
const MARK = 'weapp-inspector-replay'

/** ms that an answer may take. */
const PATIENCE = 30_000

/** ms that a mark is waited for. */
const MARK_TTL = 10_000

/** Of one connection, or written by whoever sends. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'upgrade',
  'http2-settings',
  'content-length',
  'expect',
])

/** Sends requests once more, through the very port that they came in by, so that the whole app sees them. */
export interface Replays {
  /** Settles when the answer is there; what it was is in the journal. */
  send(trace: Trace, change: Change): Promise<void>
  /** Which request this one repeats. */
  originOf(request: MarkedRequest): Trace['replayOf']
}

interface MarkedRequest {
  headers: Record<string, string | string[] | undefined>
  rawHeaders: string[]
}

export function createReplays(): Replays {
  const marks = new Map<string, { id: number; change: Change }>()

  return {
    async send(trace, change) {
      const mark = randomBytes(12).toString('hex')
      marks.set(mark, { id: trace.id, change })
      setTimeout(() => marks.delete(mark), MARK_TTL).unref()
      await transmit(trace, changed(trace, change), mark)
    },
    originOf({ headers, rawHeaders }) {
      const mark = headers[MARK]
      const origin = typeof mark === 'string' ? marks.get(mark) : undefined
      if (!origin) return undefined
      marks.delete(mark as string)
      delete headers[MARK]
      const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === MARK)
      if (at >= 0) rawHeaders.splice(at, 2)
      return origin
    },
  }
}

/** What is sent. */
interface Outgoing {
  headers: Pairs
  body: Buffer
}

/** The request, or one with a mistake in it: what should be refused. */
function changed(trace: Trace, change: Change): Outgoing {
  const prefix = trace.app?.prefix ?? ''
  const body = trace.body()?.bytes ?? Buffer.alloc(0)
  const headers = trace.headers.filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()))
  if (change === 'none') return { headers, body }
  const forged = headers.map(([name, value]): [string, string] => {
    const meaning = meaningOf(name, prefix)
    if (change === 'rawData')
      return [name, meaning === 'rawData' ? encodeURIComponent(tampered(decodeRawData(value))) : value]
    if (meaning === 'session' || meaning === 'code') return [name, otherLetter(value, 0)]
    if (meaning === 'bearer') return [name, otherLetter(value, value.lastIndexOf('.') + 1)]
    if (meaning === 'cookie')
      return [name, value.replace(/[\w-]{43}\.[\w-]{43}/g, (id) => otherLetter(id, 0))]
    return [name, value]
  })
  return { headers: forged, body: change === 'rawData' ? tamperedBody(body) : body }
}

/** Of the last letter base64url has bits that say nothing: so another one. */
function otherLetter(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}

function tampered(rawData: string): string {
  const fields = parseObject(rawData)
  return fields ? JSON.stringify({ ...fields, nickName: `${fields.nickName ?? ''}*` }) : `${rawData} `
}

function tamperedBody(body: Buffer): Buffer {
  const fields = parseObject(body.toString('utf8'))
  if (typeof fields?.rawData !== 'string') return body
  return Buffer.from(JSON.stringify({ ...fields, rawData: tampered(fields.rawData) }))
}

async function transmit(trace: Trace, { headers, body }: Outgoing, mark: string): Promise<void> {
  const { target, method, path } = trace
  if (!target) throw new Error('this request did not come in by a port')
  const sent = [...headers, [MARK, mark] as const]
  if (target.isHttp2) return transmitHttp2(target, { method, path, headers: sent, body })
  // The certificate is this very server's, whatever name it has.
  const options = { host: target.address, port: target.port, rejectUnauthorized: false, agent: false }
  const request = (target.isEncrypted ? requestHttps : requestHttp)({
    ...options,
    method,
    path,
    timeout: PATIENCE,
    headers: [...sent.flat(), ...(body.length > 0 ? ['Content-Length', String(body.length)] : [])],
  })
  await new Promise<void>((resolve, reject) => {
    request.on('response', (response) => {
      response.resume()
      response.on('close', resolve)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer within ${PATIENCE} ms`)))
    request.on('error', reject)
    request.end(body)
  })
}

function transmitHttp2(
  { address, port, isEncrypted }: NonNullable<Trace['target']>,
  { method, path, headers, body }: Outgoing & { method: string; path: string },
): Promise<void> {
  const host = address.includes(':') ? `[${address}]` : address
  const session = connect(`${isEncrypted ? 'https' : 'http'}://${host}:${port}`, {
    rejectUnauthorized: false,
  })
  const named: Record<string, string | string[]> = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    if (key !== 'host') named[key] = key in named ? [named[key] ?? [], value].flat() : value
  }
  return new Promise<void>((resolve, reject) => {
    session.on('error', reject)
    const stream = session.request({ ...named, ':method': method, ':path': path })
    stream.on('error', reject)
    stream.setTimeout(PATIENCE, () => stream.destroy(new Error(`no answer within ${PATIENCE} ms`)))
    stream.on('close', resolve)
    stream.resume()
    stream.end(body)
  }).finally(() => session.close())
}
