import type { Dispatcher, Pool } from 'undici'
import { deadline } from '../util/deadline.js'

/** An answer as it came over the wire. */
export interface Answer {
  status: number
  text: string
}

export interface TransportOptions {
  /** Where WeChat's API is: `https://api.weixin.qq.com`, a regional host, or a simulator. */
  baseUrl: string
  /** ms for the whole answer. */
  timeout: number
  /** In place of our own connections. */
  fetch?: typeof globalThis.fetch | undefined
}

/**
 * Sends a GET, or a POST of JSON when there is a `body`. Once: nothing is sent again, no redirect is followed. Rejects with
 * what `late` makes when the answer is not all there in time, and is then no longer waited for.
 */
export type Ask = (path: string, late: () => Error, body?: string) => Promise<Answer>

/** A request that was sent. */
interface Sent {
  answer: Promise<Answer>
  /** Nobody waits for the answer any more. */
  abort(): void
}

type Send = (path: string, body?: string) => Sent

/** ms that a connection is kept for the next request: less than servers and load balancers have. */
const KEEP_ALIVE = 4000

/** Bytes of an answer; WeChat's have some hundreds. */
const ANSWER_MAX = 65_536

/** Through a `fetch` of the caller's own, or straight. */
export function transport({ baseUrl, timeout, fetch }: TransportOptions): Ask {
  const send = fetch ? throughFetch(baseUrl, fetch) : straight(baseUrl, timeout)

  return (path, late, body) => {
    const { answer, abort } = send(path, body)
    return deadline(timeout, answer, () => {
      abort()
      return late()
    })
  }
}

/**
 * Over connections that are kept, by the lowest call of undici: `fetch`, which is made of it, costs eight times as much
 * CPU, and Node's `http` twice as much. Our own deadline is the only timer.
 */
function straight(baseUrl: string, timeout: number): Send {
  const { origin, pathname } = new URL(baseUrl)
  const folder = pathname.replace(/\/$/, '')
  let pool: Pool | undefined
  // In the background: it takes 60 ms and 10 MB, which nobody who imports this has to wait for.
  const loading = import('undici').then(({ Pool }) => {
    pool = new Pool(origin, {
      keepAliveTimeout: KEEP_ALIVE,
      keepAliveMaxTimeout: KEEP_ALIVE,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: ANSWER_MAX,
      connect: { timeout },
    })
    return pool
  })
  // Reported to the first who asks.
  loading.catch(() => {})

  return (path, body) => {
    let controller: Dispatcher.DispatchController | undefined
    let isOver = false
    const answer = new Promise<Answer>((resolve, reject) => {
      const chunks: Buffer[] = []
      let status = 0
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart(starting) {
          // undici may start a request anew whose connection is gone: a code must not be sent twice.
          if (isOver || controller) starting.abort(new Error('nobody waits any more, or it was sent already'))
          controller = starting
        },
        onResponseStart(_, statusCode) {
          status = statusCode
        },
        onResponseData(_, chunk) {
          chunks.push(chunk)
        },
        onResponseEnd() {
          resolve({ status, text: textOf(chunks) })
        },
        onResponseError(_, error) {
          reject(error)
        },
      }
      const dispatch = (ready: Pool) => ready.dispatch(requestOf(folder + path, body), handler)
      if (pool) dispatch(pool)
      else loading.then(dispatch).catch(reject)
    })
    const abort = () => {
      isOver = true
      controller?.abort(new Error('nobody waits any more'))
    }
    return { answer, abort }
  }
}

function requestOf(path: string, body: string | undefined): Dispatcher.DispatchOptions {
  if (body === undefined) return { path, method: 'GET' }
  return { path, method: 'POST', headers: JSON_BODY, body }
}

/** As `fetch` does: without the mark that some put before UTF-8. */
function textOf(chunks: Buffer[]): string {
  const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

function throughFetch(baseUrl: string, fetch: typeof globalThis.fetch): Send {
  return (path, body) => {
    const abort = new AbortController()
    // A redirect would carry the secrets to wherever it points.
    const init: RequestInit = { redirect: 'error', signal: abort.signal }
    if (body !== undefined) Object.assign(init, { method: 'POST', headers: JSON_BODY, body })
    const answer = async (): Promise<Answer> => {
      const response = await fetch(baseUrl + path, init)
      return { status: response.status, text: await response.text() }
    }
    return { answer: answer(), abort: () => abort.abort() }
  }
}

const JSON_BODY = { 'Content-Type': 'application/json' }
