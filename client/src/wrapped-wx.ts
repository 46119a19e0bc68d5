import { optionError } from './errors.js'
import type { SessionOptions } from './types.js'
import { isFunction } from './util.js'
import type { Wx, WxRequestOptions } from './wx.js'

const APIS = ['request', 'uploadFile', 'downloadFile', 'connectSocket'] as const

type Call = (options: WxRequestOptions) => unknown

/** `wx`, whose calls are made by `start`. It is looked at anew at each call: others wrap it too. */
export function guardedWx(wx: Wx, start: (call: () => unknown) => unknown): Wx {
  const calls: Record<string, Call> = {}
  for (const api of APIS) {
    if (isFunction(wx[api])) calls[api] = (options) => start(() => (wx[api] as Call)(options))
  }
  return Object.assign(Object.create(wx), calls)
}

/** `wx`, whose requests to the container at `base` go there by `wx.cloud`. There are no other calls to it. */
export function containerWx(
  wx: Wx,
  base: string,
  { env, service }: NonNullable<SessionOptions['cloud']>,
): Wx {
  const calls: Record<string, Call> = {}
  for (const api of APIS) {
    calls[api] = (options) => {
      const { url, header } = options
      if (!url.replace(/^ws/, 'http').startsWith(base)) return (wx[api] as Call)(options)
      const { callContainer } = Object(wx.cloud) as { callContainer?: Call }
      if (api !== 'request' || !isFunction(callContainer)) throw optionError(`no wx.cloud.${api}`)
      const container = {
        config: { env },
        path: url.slice(base.length),
        header: Object.assign({}, header, { 'X-WX-SERVICE': service }),
      }
      return callContainer.call(wx.cloud, Object.assign({}, options, container))
    }
  }
  return Object.assign(Object.create(wx), calls)
}
