import type { Message } from './http-client.js'
import { type Headers, headerOf, queryOf, withContentType } from './outgoing.js'
import type { Callbacks, RequestOptions } from './wx.js'

/** What of a request's options makes the message and its answer, whichever call has them. */
export type RequestContent = Omit<RequestOptions, keyof Callbacks | 'url'>

/** A request as `wx.request()` sends it. */
export function requestMessage(
  address: URL,
  given: Headers,
  { data, method: verb = 'GET', redirect }: RequestContent,
): Message {
  const method = verb.toUpperCase()
  const isGet = method === 'GET' || method === 'HEAD'
  const contentType = headerOf(given, 'content-type') ?? 'application/json'
  if (isGet) addToQuery(address, data)

  return {
    method,
    url: address,
    headers: withContentType(given, contentType),
    body: isGet ? undefined : bodyOf(data, contentType),
    followsRedirects: isGet && redirect !== 'manual',
  }
}

function addToQuery(url: URL, data: RequestOptions['data']): void {
  const query = typeof data === 'object' ? queryOf(data) : data
  if (query) url.search += `${url.search === '' ? '' : '&'}${query}`
}

function bodyOf(data: RequestOptions['data'], contentType: string): Uint8Array | undefined {
  if (data === undefined || data === null) return undefined
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return Buffer.from(contentType.includes('x-www-form-urlencoded') ? queryOf(data) : JSON.stringify(data))
}

/** The body as the app gets it. */
export function answerData(
  body: Buffer,
  { dataType = 'json', responseType = 'text' }: RequestContent,
): unknown {
  if (responseType === 'arraybuffer') return new Uint8Array(body).buffer
  // Text without its byte order mark, which TextDecoder takes away.
  const text = new TextDecoder().decode(body)
  return dataType === 'json' ? parsedIfJson(text) : text
}

/** WeChat tries once: what is not JSON stays text. */
function parsedIfJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
