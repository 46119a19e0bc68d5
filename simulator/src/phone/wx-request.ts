import type { App } from './app.js'
import { type GatewaySituation, gatewayOf } from './gateway.js'
import type { Network } from './network.js'
import { addressOf, headersOf } from './outgoing.js'
import { answerData, requestMessage } from './request-message.js'
import { startTransfer } from './transfer.js'
import type { RequestOptions, RequestResult, Wx } from './wx.js'

/** `wx.request()`: developers.weixin.qq.com/miniprogram/dev/api/network/request/wx.request.html */
export function requestApis(phone: GatewaySituation & { app: App; network: Network }): Pick<Wx, 'request'> {
  const { sender } = phone

  return {
    request<Data>(options: RequestOptions<Data>) {
      return startTransfer<RequestResult<Data>>(phone, {
        api: 'request',
        callbacks: options,
        timeout: options.timeout,
        reportsChunks: options.enableChunked === true,
        route: gatewayOf(phone),
        message() {
          const address = addressOf('request', options.url, sender)
          if ('failure' in address) return address
          return requestMessage(address, headersOf(options.header, sender), options)
        },
        result: ({ statusCode, header, cookies, body }) => ({
          // The caller said what to expect, as with WeChat's own typings.
          data: answerData(body, options) as Data,
          statusCode,
          header,
          cookies,
        }),
      })
    },
  }
}
