import axios, { AxiosError } from 'axios'
import { createSession } from 'weapp-session-client'

const session = createSession({ baseUrl: 'https://api.example.com' })

/** axios has no adapter for mini programs: this is one. */
async function adapter(config) {
  const call = session.request({
    url: axios.getUri({ ...config, baseURL: undefined }),
    method: (config.method || 'get').toUpperCase(),
    data: config.data,
    header: config.headers.toJSON(),
    timeout: config.timeout || undefined,
    // axios parses the text itself.
    dataType: 'text',
  })
  if (config.signal) config.signal.addEventListener('abort', call.abort)
  const { data, statusCode, header, errMsg } = await call
  const response = { data, status: statusCode, statusText: errMsg, headers: header, config, request: call }
  if (config.validateStatus && !config.validateStatus(statusCode)) {
    throw new AxiosError(`status ${statusCode}`, AxiosError.ERR_BAD_RESPONSE, config, call, response)
  }
  return response
}

export const http = axios.create({ adapter })
