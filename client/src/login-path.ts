import { CODE_HEADER, RAW_DATA_HEADER, SIGNATURE_HEADER } from '../../src/protocol.js'
import type { Sending } from './call.js'
import { readRefusal } from './refusal.js'
import type { Core } from './requests.js'
import type { WxResponse } from './wx.js'

/** A login as a request of its own, with a JSON body: `{ code, rawData, signature }`, or the code alone. */
export function atLoginPath(sending: Core['sending'], url: string): Sending<WxResponse>['send'] {
  return ({ header }, success, fail) => {
    const rawData = header[RAW_DATA_HEADER] && decodeURIComponent(header[RAW_DATA_HEADER])
    const data = { code: header[CODE_HEADER], rawData, signature: header[SIGNATURE_HEADER] }
    // The server takes nothing else; what `wx.request` says by itself, other hosts' calls may not.
    const options = { url, method: 'POST', header: { 'content-type': 'application/json' }, data }
    return sending<WxResponse>('request', options).send({ header: {} }, answered, fail)

    function answered(response: WxResponse): void {
      const { statusCode } = response
      // Where the server has no such path, something else answers.
      if (statusCode < 300 || readRefusal(response)) success(response)
      else fail({ errMsg: `request:fail ${statusCode} ${url}` })
    }
  }
}
