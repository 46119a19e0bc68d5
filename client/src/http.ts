/**
 * weapp-session-client/http: what people expect of a request library, over a session.
 *
 * @module
 */
import { withJitter } from './backoff.js'
import { type ErrorCode, SessionError } from './errors.js'
import { checkOptions } from './options.js'
import { isRepeatable } from './retry.js'
import { createSettlement } from './settle.js'
import { createTask } from './task.js'
import { createTurns } from './turns.js'
import type { Call, RequestOptions, Session } from './types.js'
import { A_MINUTE, isFunction, runSafely, sleep } from './util.js'
import type { Header, WxResponse } from './wx.js'

/** Options of `request`: those of the session's, and these. */
export type HttpRequestOptions<Data = unknown> = RequestOptions<Data> & HttpCallOptions

/** What each call may have in place of what `createHttp` was given. */
export interface HttpCallOptions {
  /** `'throw'`: a status that is not 2xx is a failure, `ERR_STATUS`. Default `'any'`: it is an answer, as in `wx.request`. */
  ok?: 'any' | 'throw'
  /**
   * How often a call is repeated that `wx` could not send, or got no answer to (`ERR_NETWORK`): GET, HEAD, OPTIONS, PUT and
   * DELETE, until `deadline` has passed; half a second to a second after the first failure, and longer after each. Default 0.
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
  /** Hears of each failure, before the call does: to show it, or to report it. */
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

/** ms */
const FIRST_PAUSE = 500

const HTTP_OPTIONS =
  /^((before|after|failed)=function|header=(object|function)|ok=string:(any|throw)$|retries=number:\d+$|limit=number:[1-9]\d*$|\w+=undefined)/

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
      for (const cancel of [...running]) cancel()
    },
  }

  function request<Data>(given: HttpRequestOptions<Data>): Call<WxResponse<Data>> {
    const { deadline = A_MINUTE } = Object(given) as HttpRequestOptions
    let sent: HttpRequestOptions = given
    let current: Call<WxResponse> | undefined
    /** Whether it may not be sent again, and why it was not answered before. */
    let isOverdue = false
    let lastError: unknown
    const { promise, isSettled, succeed, fail } = createSettlement<WxResponse<Data>>(Object(given), cleanUp)
    const { task, follow } = createTask(cancel)
    // While it is on its way, the session's own deadline counts.
    const timer = setTimeout(() => {
      isOverdue = true
      if (!current) refuse(lastError || failure('ERR_DEADLINE', `not sent within ${deadline} ms`, true))
    }, deadline)
    running.add(cancel)
    run().then(succeed, refuse)
    return Object.assign(promise, task)

    async function run(): Promise<WxResponse<Data>> {
      const added = isFunction(header) ? await header(given) : header
      const own = Object.assign({}, given, { header: Object.assign({}, added, Object(given).header) })
      sent = (before && (await before(own))) || own
      const response = await send(Object.assign({}, options, sent))
      return ((after && (await after(response, sent))) || response) as WxResponse<Data>
    }

    async function send({ ok, retries = 0 }: HttpCallOptions): Promise<WxResponse> {
      const request = Object.assign({}, sent, {
        success: null,
        fail: null,
        complete: null,
        ok: null,
        retries: null,
      })
      for (let pause = FIRST_PAUSE; ; pause *= 2) {
        await turns.take()
        try {
          // It may have ended while it waited.
          if (isSettled()) return await promise
          current = session.request(request as unknown as RequestOptions)
          follow(
            current,
            () => false,
            () => {},
          )
          const response = await current
          const { statusCode } = response
          if (ok !== 'throw' || (statusCode > 199 && statusCode < 300)) return response
          const again = statusCode > 499 || statusCode === 429
          throw Object.assign(failure('ERR_STATUS', `${statusCode}`, again), {
            status: statusCode,
            statusCode,
            response,
          })
        } catch (error) {
          const { code, retryable } = Object(error) as SessionError
          const mayRepeat = code === 'ERR_NETWORK' && retryable && isRepeatable(sent.method || 'GET')
          if (!mayRepeat || isOverdue || --retries < 0) throw error
          lastError = error
        } finally {
          current = undefined
          turns.give()
        }
        await sleep(withJitter(pause))
      }
    }

    function cancel(): void {
      fail(failure('ERR_ABORTED', 'abort', false))
    }

    /** An abort is no failure to show. */
    function refuse(error: unknown): void {
      if (failed && !isSettled()) runSafely(() => failed(error, sent))
      fail(error as SessionError)
    }

    function failure(code: ErrorCode, text: string, retryable: boolean): SessionError {
      const { method = 'GET', url = '' } = Object(sent) as HttpRequestOptions
      const [path] = `${url}`.split(/[?#]/)
      const message = `${method} ${path}: ${text}`
      const errMsg = `request:fail ${text}`
      return new SessionError({
        code,
        message,
        errMsg,
        phase: 'request',
        attempts: 1,
        retryable,
        method,
        url: path,
      })
    }

    function cleanUp(): void {
      clearTimeout(timer)
      running.delete(cancel)
      if (current) current.abort()
    }
  }
}
