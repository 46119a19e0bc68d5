import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { ExecutionContext } from 'ava'
import type { Site } from './nginx-site.js'
import { trace } from './trace.js'

export interface HttpsAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** Empty when it is no JSON. */
  body: AppBody
}

/** What the drawing app answers, or the session middleware in its place. */
export interface AppBody {
  code?: number
  msg?: string
  data?: { id: string; actions: string }[]
  error?: { reason?: string }
  reason?: string
}

export interface HttpsClient {
  send(method: 'GET' | 'POST', path: string, options?: HttpsOptions): Promise<HttpsAnswer>
}

export interface HttpsOptions {
  headers?: Record<string, string | string[]>
  data?: unknown
  /** Which of this machine's addresses it comes from. */
  from?: string
}

/** A client that trusts the certificate of a site, and keeps its connection; ends with the test. */
export function httpsClient(t: ExecutionContext, { url, ca }: Site): HttpsClient {
  const agent = new Agent({ keepAlive: true, ca })
  t.teardown(() => agent.destroy())

  return {
    async send(method, path, { headers = {}, data, from } = {}) {
      const body = data === undefined ? undefined : JSON.stringify(data)
      const sent = request(url + path, {
        agent,
        method,
        family: 4,
        timeout: 20_000,
        ...(from && { localAddress: from }),
        headers: {
          ...headers,
          ...(body !== undefined && {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(body),
          }),
        },
      })
      sent.on('timeout', () => sent.destroy(new Error('no answer within 20 s')))
      sent.end(body)
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      trace('responses', JSON.stringify(response.headers) + text)
      return { status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) }
    },
  }
}

function parsed(text: string): AppBody {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
