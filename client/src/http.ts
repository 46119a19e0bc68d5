/**
 * weapp-session-client/http: what people expect of a request library, over a session.
 *
 * @module
 */

import { headerOf } from './answer.js'
import type { Failure, SessionError } from './errors.js'
import { checkOptions } from './options.js'
import { createTurns } from './turns.js'
import type { Call, RequestOptions, Session } from './types.js'
import { isFunction, runSafely } from './util.js'
import type { Header, WxResponse } from './wx.js'

/** Options of `request`: those of the session's, and these. */
export type HttpRequestOptions<Data = unknown> = RequestOptions<Data> & HttpCallOptions

/** What each call may have in place of what `createHttp` was given. */
export interface HttpCallOptions {
  /** `'throw'`: a status that is not 2xx is a failure, `ERR_STATUS`. Default `'any'`: it is an answer, as in `wx.request`. */
  ok?: 'any' | 'throw'
  /**
   * How often a call is sent again that `wx` could not send, or got no answer to (`ERR_NETWORK`), at most 3: GET, HEAD, OPTIONS,
   * PUT and DELETE, within the deadline, after 0.2 to 0.4 s, and longer each time. What has begun to arrive is not asked for
   * again. Default 0.
   */
  retries?: number
}

export interface HttpOptions extends HttpCallOptions {
  /** Headers of all calls, or a function that gives those of one. A call's own come after them. */
  header?: Header | ((options: HttpRequestOptions) => Header | Promise<Header>)
  /** Sees the options of each call before it goes out. It may return others. What it throws is the failure of the call. */
  before?(options: HttpRequestOptions): Changed<HttpRequestOptions>
  /** Sees each answer. It may return another. What it throws is the failure of the call. */
  after?(response: WxResponse, options: HttpRequestOptions): Changed<WxResponse>
  /** Hears of each failure, before the call does, to show it or to report it; not of an abort, and not of a logout. */
  failed?(error: unknown, options: HttpRequestOptions): unknown
  /** How many calls run at once; others wait for their turn. Default 10, as many as WeChat lets run. */
  limit?: number
}

/** What a function returns that may change what it was given. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that changes nothing has no return.
export type Changed<T> = T | undefined | void | Promise<T | undefined | void>

export interface Http {
  request<Data = unknown>(options: HttpRequestOptions<Data>): Call<WxResponse<Data>>
  /** Aborts the calls that were made here, and no others: a page may have a `createHttp` of its own. */
  cancelAll(): void
}

const LIMIT = 10

const HTTP_OPTIONS =
  /^((before|after|failed)=function|header=(object|function)|ok=string:(any|throw)$|retries=number:[0-3]$|limit=number:[1-9]\d*$|\w+=undefined)/

/**
 * Calls with default headers, hooks, repetitions and a queue, over a session.
 *
 * @throws {TypeError} when an option is unknown, or makes no sense
 *
 * @example
 * import { createSession } from 'weapp-session-client'
 * import { createHttp } from 'weapp-session-client/http'
 *
 * const session = createSession({ baseUrl: 'https://api.example.com' })
 * const http = createHttp(session, { ok: 'throw', retries: 2, header: { 'X-App-Version': '1.2.0' } })
 * const { data } = await http.request({ url: '/orders' })
 */
export function createHttp(session: Pick<Session, 'request'>, options: HttpOptions = {}): Http {
  checkOptions(options, HTTP_OPTIONS)
  const { header, before, after, failed, limit = LIMIT } = options
  const running = new Set<() => void>()
  const turns = createTurns(limit)

  return {
    request,
    cancelAll() {
      for (const abort of [...running]) abort()
    },
  }

  function request<Data>(given: HttpRequestOptions<Data>): Call<WxResponse<Data>> {
    let sent: HttpRequestOptions & HttpCallOptions = given
    let hasTurn = false
    const { fail } = Object(given) as HttpRequestOptions
    // It is a call of the session from the beginning: so a logout, an abort and the deadline end it while it waits, too.
    const call = session.request<Data>(Object.assign({}, given, { ready: prepare, read, fail: refuse }))
    running.add(call.abort)
    call.then(end, end)
    return call

    /** What is sent, when its turn has come. */
    async function prepare(): Promise<object> {
      const added = isFunction(header) ? await header(given) : header
      const own = Object.assign({}, given, { header: merged(added, Object(given).header) })
      const changed = (before && (await before(own))) || own
      const { ok = options.ok, retries = options.retries } = changed
      checkOptions({ ok, retries }, HTTP_OPTIONS)
      sent = Object.assign({}, changed, { ok, retries }) as typeof sent
      await turns.take()
      hasTurn = true
      // It may have ended while it waited.
      if (!running.has(call.abort)) giveTurn()
      return Object.assign({}, sent, { ok: undefined, read, fail: undefined })
    }

    function end(): void {
      running.delete(call.abort)
      giveTurn()
    }

    function giveTurn(): void {
      if (hasTurn) turns.give()
      hasTurn = false
    }

    async function read(result: unknown, failWith: (failure: Failure) => void): Promise<unknown> {
      giveTurn()
      const response = result as WxResponse
      const { statusCode } = response
      const retryable = statusCode > 499 || statusCode === 429
      if (sent.ok !== 'throw' || (statusCode > 199 && statusCode < 300))
        return (after && (await after(response, sent))) || response
      const message = `${statusCode}`
      return failWith({ code: 'ERR_STATUS', message, retryable, status: statusCode, statusCode, response })
    }

    /** Who has ended it wants to see no failure. */
    function refuse(error: SessionError): void {
      const isEnded = /ABORTED|LOGGED_OUT/.test(error.code)
      if (failed && !isEnded) runSafely(() => Promise.resolve(failed(error, sent)).catch(report))
      if (fail) fail(error)
    }
  }
}

function report(error: unknown): void {
  console.error(error)
}

/** A call's own header, with what others add to it. The case of names does not matter. */
function merged(added: unknown, own: Header | undefined): Header {
  const header = Object.assign({}, own)
  for (const [name, value] of Object.entries(Object(added) as Header))
    if (headerOf(own, name) === undefined) header[name] = value
  return header
}
