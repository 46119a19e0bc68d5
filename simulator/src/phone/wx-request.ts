import type { App } from './app.js'
import type { Failure } from './callbacks.js'
import { type GatewaySituation, gatewayOf } from './gateway.js'
import type { Message } from './http-client.js'
import type { Network } from './network.js'
import { addressOf, headerOf, headersOf, queryOf, type Sender, withContentType } from './outgoing.js'
import { startTransfer } from './transfer.js'
import type { Callbacks, RequestOptions, RequestResult, Wx } from './wx.js'

/** `wx.request()`: developers.weixin.qq.com/miniprogram/dev/api/network/request/wx.request.html */
export function requestApis(phone: GatewaySituation & { app: App; network: Network }): Pick<Wx, 'request'> {
  return {
    request<Data>(options: RequestOptions<Data>) {
      return startTransfer<RequestResult<Data>>(phone, {
        api: 'request',
        callbacks: options,
        timeout: options.timeout,
        reportsChunks: options.enableChunked === true,
        route: gatewayOf(phone),
        message: () => messageOf(options, phone.sender),
        result: ({ statusCode, header, cookies, body }) => ({
          // The caller said what to expect, as with WeChat's own typings.
          data: dataOf(body, options) as Data,
          statusCode,
          header,
          cookies,
        }),
      })
    },
  }
}

/** The options without the callbacks. */
type Outgoing = Omit<RequestOptions, keyof Callbacks>

function messageOf(
  { url, data, header, method: verb = 'GET', redirect }: Outgoing,
  sender: Sender,
): Message | Failure {
  const address = addressOf('request', url, sender)
  if ('failure' in address) return address

  const method = verb.toUpperCase()
  const isGet = method === 'GET' || method === 'HEAD'
  const given = headersOf(header, sender)
  const contentType = headerOf(given, 'content-type') ?? 'application/json'
  const headers = withContentType(given, contentType)
  if (isGet) addToQuery(address, data)

  return {
    method,
    url: address,
    headers,
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

function dataOf(body: Buffer, { dataType = 'json', responseType = 'text' }: Outgoing): unknown {
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
