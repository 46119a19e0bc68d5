import { createAlova } from 'alova'
import { createSession } from 'weapp-session-client'

const session = createSession({ baseUrl: 'https://api.example.com' })

function requestAdapter({ url, type, data, headers }, { config }) {
  const call = session.request({ url, method: type, data, header: headers, timeout: config.timeout })
  return {
    response: () => call,
    headers: async () => (await call).header,
    abort: () => call.abort(),
  }
}

export const alova = createAlova({
  baseURL: 'https://api.example.com',
  requestAdapter,
  responded: ({ statusCode, data }) => {
    if (statusCode >= 400) throw new Error(`status ${statusCode}`)
    return data
  },
})
