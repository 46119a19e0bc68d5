import EngineWrapper from 'flyio/dist/npm/engine-wrapper'
import Fly from 'flyio/dist/npm/fly'
import { createSession } from 'weapp-session-client'

const session = createSession({ baseUrl: 'https://api.example.com' })

/** What `flyio/dist/npm/wx` does with `wx.request`. */
function adapter({ method, url, headers, body, dataType, responseType, timeout }, answer) {
  session.request({
    url,
    method,
    header: headers,
    data: body || undefined,
    dataType,
    responseType: responseType || 'text',
    timeout: timeout || undefined,
    success: ({ statusCode, data, header, errMsg }) =>
      answer({ statusCode, responseText: data, headers: header, statusMessage: errMsg }),
    fail: ({ errMsg }) => answer({ statusCode: 0, statusMessage: errMsg }),
  })
}

export const fly = new Fly(EngineWrapper(adapter))
fly.config.baseURL = 'https://api.example.com'
