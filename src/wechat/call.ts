import { deadline } from '../util/deadline.js'
import { parseObject } from '../util/json.js'
import { networkErrorCode, traceId } from './errcodes.js'
import { type Answer, createTransmit, type TransportOptions } from './transport.js'

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

export interface CallerOptions extends TransportOptions {
  /**
   * The error for a call without a usable answer, by the status that tells the cause best: 504 no answer in time, 502 all
   * else. `why` is the cause in a few words.
   */
  failed(call: WechatCall, status: 502 | 504, what: string, why?: string): Error
  /** The error for a call that WeChat refused. `rid` is WeChat's name for the call. */
  refused(call: WechatCall, errcode: number, rid: string | undefined): Error
}

/**
 * Calls WeChat's API: send, then check. Each call is sent once. An error of ours never holds a URL, a body, or an error
 * that may contain them (those of `fetch` and of JSON parsers do): the appSecret and access_tokens are in there.
 */
export function createCaller({
  failed,
  refused,
  ...options
}: CallerOptions): <Result>(call: WechatCall<Result>) => Promise<Result> {
  const { timeout } = options
  const transmit = createTransmit(options)

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
