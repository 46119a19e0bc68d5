import type { Dispatcher, Pool } from 'undici'
import { deadline } from '../util/deadline.js'
import { parseObject } from '../util/json.js'
import { networkErrorCode, traceId } from './errcodes.js'

/** One call of WeChat's API: a GET, or a POST when it has a `body`. */
export interface WechatCall<Result = unknown> {
  path: string
  /** What an answer that is no refusal says; `undefined` when it is not what it should be. */
  read(body: Record<string, unknown>): Result | undefined
  query?: Record<string, string>
  body?: Record<string, unknown>
  /** What it carries is used up by the call, whatever comes of it: the same call again can only fail. */
  isOnce?: boolean
  /** What to do about errcodes that have a meaning of their own here. */
  advice?: Readonly<Record<number, string>>
}

export interface TransportOptions {
  /** Where WeChat's API is: `https://api.weixin.qq.com`, a regional host, or a simulator. */
  baseUrl: string
  /** ms for the whole answer. */
  timeout: number
  /** In place of our own connections. */
  fetch?: typeof globalThis.fetch | undefined
}

export interface CallerOptions extends TransportOptions {
  /**
   * The error for a call without a usable answer, by the status that tells the cause best: 504 no answer in time, 502 all
   * else. `why` is the cause in a few words.
   */
  failed(call: WechatCall, status: 502 | 504, what: string, why?: string): Error
  /** The error for a call that WeChat refused. `rid` is WeChat's name for the call. */
  refused(call: WechatCall, errcode: number, rid: string | undefined): Error
}

/** An answer as it came over the wire. */
interface Answer {
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

/**
 * Calls WeChat's API: send, then check. Each call is sent once. An error of ours never holds a URL, a body, or an error
 * that may contain them (those of `fetch` and of JSON parsers do): the appSecret and access_tokens are in there.
 */
export function createCaller({
  failed,
  refused,
  ...options
}: CallerOptions): <Result>(call: WechatCall<Result>) => Promise<Result> {
  const { baseUrl, timeout, fetch } = options
  const own = fetch ?? fetchInBun()
  const transmit = own ? throughFetch(baseUrl, own) : straight(baseUrl, timeout)

  return async function callWechat(call) {
    const { status, text } = await send(call)
    // WeChat serves JSON as text/plain, refuses with status 200, and leaves errcode out of most successes.
    const body = parseObject(text)
    const errcode = body?.errcode
    if (status < 500 && typeof errcode === 'number' && errcode !== 0)
      throw refused(call, errcode, traceId(body?.errmsg))
    const result = status === 200 && body ? call.read(body) : undefined
    if (result !== undefined) return result
    throw failed(call, 502, 'WeChat gave no usable answer', `HTTP ${status}, ${body ? '' : 'not '}JSON`)
  }

  async function send(call: WechatCall): Promise<Answer> {
    const { answer, abort } = transmit(pathOf(call), call.body && JSON.stringify(call.body))
    let tooLate: Error | undefined
    try {
      return await deadline(timeout, answer, () => {
        abort()
        tooLate = failed(call, 504, `WeChat did not answer within ${timeout} ms`)
        return tooLate
      })
    } catch (error) {
      throw tooLate ?? failed(call, 502, 'WeChat could not be reached', networkErrorCode(error))
    }
  }
}

function pathOf({ path, query = {} }: WechatCall): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

/**
 * Over connections that are kept, by the lowest call of undici: `fetch`, which is made of it, costs eight times as much
 * CPU, and Node's `http` twice as much. Our own deadline is the only timer.
 */
function straight(baseUrl: string, timeout: number): Transmit {
  const { origin, pathname } = new URL(baseUrl)
  const folder = pathname.replace(/\/$/, '')
  let current: (() => Pool) | undefined
  // In the background: it takes 60 ms and 10 MB, which nobody who imports this has to wait for.
  const loading = import('undici').then(({ Pool }) => {
    current = freshPool(
      () =>
        new Pool(origin, {
          keepAliveTimeout: KEEP_ALIVE,
          keepAliveMaxTimeout: KEEP_ALIVE,
          headersTimeout: 0,
          bodyTimeout: 0,
          maxResponseSize: ANSWER_MAX,
          // It counts ticks of its own, as many as there could be, and reads the sockets before it gives up.
          connect: { timeout },
        }),
    )
    return current
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
      const dispatch = (pool: () => Pool) => pool().dispatch(requestOf(folder + path, body), handler)
      if (current) dispatch(current)
      else loading.then(dispatch).catch(reject)
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

/** Bun puts an undici of its own in the place of ours. It has no `dispatch()`: each login would be a 502. */
function fetchInBun(): typeof globalThis.fetch | undefined {
  return process.versions.bun ? globalThis.fetch : undefined
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
