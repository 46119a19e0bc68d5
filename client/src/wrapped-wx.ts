import { optionError } from './errors.js'
import type { Hint } from './hints.js'
import type { SessionOptions } from './types.js'
import { isFunction, orUndefined } from './util.js'
import type { Wx, WxRequestOptions } from './wx.js'

const APIS = ['request', 'uploadFile', 'downloadFile', 'connectSocket'] as const

type Call = (options: WxRequestOptions) => unknown

/**
 * `wx`, whose calls are made by `start`, and what they say is heard by `hint`. It is looked at anew at each call: others
 * wrap it too.
 */
export function guardedWx(wx: Wx, start: (call: () => unknown) => unknown, hint: Hint | undefined): Wx {
  const calls: Record<string, Call> = {
    login: (options) => (wx as unknown as { login: Call }).login(heard(options, 'success')),
  }
  for (const api of APIS) {
    if (isFunction(wx[api])) calls[api] = (options) => start(() => (wx[api] as Call)(heard(options, 'fail')))
  }
  return Object.assign(Object.create(wx), calls)

  function heard(options: WxRequestOptions, name: 'success' | 'fail'): WxRequestOptions {
    const callback = (result: never) => {
      orUndefined(() => hint && hint(result, options.url))
      ;(options[name] as (result: never) => void)(result)
    }
    return hint ? Object.assign({}, options, { [name]: callback }) : options
  }
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
