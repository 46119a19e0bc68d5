import type { Dispatcher, Pool } from 'undici'
import type { Faults } from '../util/faults.js'

export interface TransportOptions {
  /** Where WeChat's API is: `https://api.weixin.qq.com`, a regional host, or a simulator. */
  baseUrl: string
  /** ms for the whole answer. */
  timeout: number
  /** In place of our own connections. */
  fetch?: typeof globalThis.fetch | undefined
  /** What goes wrong on purpose. Default: nothing. */
  faults?: Faults | undefined
}

/** An answer as it came over the wire. */
export interface Answer {
  status: number
  text: string
}

/** A request that was sent. */
interface Sent {
  answer: Promise<Answer>
  /** Nobody waits for the answer any more. */
  abort(): void
}

/** Sends a GET, or a POST of JSON when there is a `body`. Once: nothing is sent again, no redirect is followed. */
type Transmit = (path: string, body?: string) => Sent

/** ms that a connection is kept for the next request: less than servers and load balancers have. */
const KEEP_ALIVE = 4000

/** Bytes of an answer; WeChat's have some hundreds. */
const ANSWER_MAX = 65_536

export function createTransmit({ baseUrl, timeout, fetch, faults = {} }: TransportOptions): Transmit {
  const transmit = fetch ? throughFetch(baseUrl, fetch) : inBackground(load(baseUrl, timeout))
  return (path, body) =>
    faults.wechat ? later(faults.wechat(), () => transmit(path, body)) : transmit(path, body)
}

/** undici takes 60 ms and 10 MB to load, which nobody who imports this has to wait for. */
async function load(baseUrl: string, timeout: number): Promise<Transmit> {
  const { Pool } = await import('undici')
  // Bun puts an undici of its own in the place of the real one, with pools that send nothing.
  const isReal = typeof Pool.prototype.dispatch === 'function'
  return isReal ? straight(Pool, baseUrl, timeout) : throughFetch(baseUrl, globalThis.fetch)
}

/** What is sent before it is loaded waits for it. */
function inBackground(loading: Promise<Transmit>): Transmit {
  let loaded: Transmit | undefined
  loading.then(
    (transmit) => {
      loaded = transmit
    },
    // Reported to the first who asks.
    () => {},
  )
  return (path, body) => (loaded ? loaded(path, body) : later(loading, (transmit) => transmit(path, body)))
}

/** Sends when what it waits for is there, if somebody still waits for the answer. */
function later<T>(awaited: Promise<T>, send: (value: T) => Sent): Sent {
  let isOver = false
  let sent: Sent | undefined
  const answer = awaited.then((value) => {
    if (isOver) throw new Error('nobody waits any more')
    sent = send(value)
    return sent.answer
  })
  const abort = () => {
    isOver = true
    sent?.abort()
  }
  return { answer, abort }
}

/**
 * Over connections that are kept, by the lowest call of undici: `fetch`, which is made of it, costs eight times as much
 * CPU, and Node's `http` twice as much. Our own deadline is the only timer.
 */
function straight(Pools: typeof Pool, baseUrl: string, timeout: number): Transmit {
  const { origin, pathname } = new URL(baseUrl)
  const folder = pathname.replace(/\/$/, '')
  const pool = freshPool(
    () =>
      new Pools(origin, {
        keepAliveTimeout: KEEP_ALIVE,
        keepAliveMaxTimeout: KEEP_ALIVE,
        headersTimeout: 0,
        bodyTimeout: 0,
        maxResponseSize: ANSWER_MAX,
        // It counts ticks of its own, as many as there could be, and reads the sockets before it gives up.
        connect: { timeout },
      }),
  )

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
      pool().dispatch(requestOf(folder + path, body), handler)
    })
    const abort = () => {
      isOver = true
      controller?.abort(new Error('nobody waits any more'))
    }
    return { answer, abort }
  }
}

/**
 * undici's timer for idle connections stands still with a process that is frozen, and what is between may have forgotten
 * them meanwhile, without a word. A code that is sent over one is lost: so none is used that is idle for longer.
 */
function freshPool(make: () => Pool): () => Pool {
  let pool = make()
  let used = Date.now()
  return () => {
    const idle = Math.abs(Date.now() - used)
    used = Date.now()
    if (idle <= KEEP_ALIVE) return pool
    // What is under way still gets its answers.
    pool.close().catch(() => {})
    pool = make()
    return pool
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

function throughFetch(baseUrl: string, fetch: typeof globalThis.fetch): Transmit {
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
