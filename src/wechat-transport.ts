import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { deadline } from './deadline.js'

/** An answer as it came over the wire. */
export interface Answer {
  status: number
  text: string
}

/**
 * Sends a GET, or a POST of JSON when there is a `body`. Once: nothing is sent again, no redirect is followed. Rejects with
 * what `late` makes when the answer is not all there in time, and is then no longer waited for.
 */
export type Ask = (url: string, late: () => Error, body?: string) => Promise<Answer>

/** A request that was sent. */
interface Sent {
  answer: Promise<Answer>
  /** Nobody waits for the answer any more. */
  abort(): void
}

type Send = (url: string, body?: string) => Sent

/** ms that a connection is kept for the next request: less than servers and load balancers have. */
const KEEP_ALIVE = 4000

/** Characters of an answer; WeChat's have some hundreds. */
const ANSWER_MAX = 65_536

/** Through a `fetch` of the caller's own, or straight. `timeout`: ms for the whole answer. */
export function transport(fetch: typeof globalThis.fetch | undefined, timeout: number): Ask {
  const send = fetch ? throughFetch(fetch) : straight()

  return (url, late, body) => {
    const { answer, abort } = send(url, body)
    return deadline(timeout, answer, () => {
      abort()
      return late()
    })
  }
}

/** Node's `fetch` costs as much CPU as all the rest of a login twice over. (Measured: `npm run bench`.) */
function straight(): Send {
  const options = { keepAlive: true, timeout: KEEP_ALIVE }
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) }

  return (url, body) => {
    const [request, agent] = url.startsWith('https:')
      ? [httpsRequest, agents.https]
      : [httpRequest, agents.http]
    const headers = body === undefined ? {} : { ...JSON_BODY, 'Content-Length': Buffer.byteLength(body) }
    const outgoing = request(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' })
    const answer = new Promise<Answer>((resolve, reject) => {
      outgoing.on('error', reject)
      outgoing.on('upgrade', (_, socket) => {
        socket.destroy()
        reject(coded('UNEXPECTED_UPGRADE'))
      })
      outgoing.on('response', (incoming) => {
        let text = ''
        incoming.setEncoding('utf8')
        incoming.on('data', (chunk: string) => {
          text += chunk
          if (text.length > ANSWER_MAX) incoming.destroy(coded('ANSWER_TOO_LONG'))
        })
        incoming.on('error', reject)
        // As `fetch` does: without the mark that some put before UTF-8.
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: text.replace(/^\uFEFF/, '') }),
        )
      })
    })
    outgoing.end(body)
    return { answer, abort: () => void outgoing.destroy() }
  }
}

function throughFetch(fetch: typeof globalThis.fetch): Send {
  return (url, body) => {
    const abort = new AbortController()
    // A redirect would carry the secrets to wherever it points.
    const init: RequestInit = { redirect: 'error', signal: abort.signal }
    if (body !== undefined) Object.assign(init, { method: 'POST', headers: JSON_BODY, body })
    const answer = async (): Promise<Answer> => {
      const response = await fetch(url, init)
      return { status: response.status, text: await response.text() }
    }
    return { answer: answer(), abort: () => abort.abort() }
  }
}

/** All that may be said of an error, which may hold the URL: see networkErrorCode(). */
function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}

const JSON_BODY = { 'Content-Type': 'application/json' }
