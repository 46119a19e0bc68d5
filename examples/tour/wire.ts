import type { Phone, Wechat } from 'weapp-simulator'

/** What went over the wire for one request of the phone. */
export interface Exchange {
  method: string
  path: string
  headers: Record<string, string>
  status: number
  reason: string | undefined
  body: unknown
  /** What the server asked WeChat meanwhile. */
  calls: readonly { path: string; errcode?: number }[]
}

/** Hears every request that a phone's app sends. */
export interface Wire {
  /** Does something, and gives what went over the wire meanwhile. */
  during(action: () => PromiseLike<unknown>): Promise<Exchange[]>
}

export function tapWire({ wx }: Phone, wechat: Wechat): Wire {
  const request = wx.request
  let exchanges: Exchange[] = []

  wx.request = (options) => {
    const callsBefore = wechat.calls.length
    return request({
      ...options,
      success(result) {
        const { origin, pathname } = new URL(options.url)
        exchanges.push({
          method: options.method ?? 'GET',
          path: options.url.slice(origin.length) || pathname,
          headers: { ...(options.header as Record<string, string> | undefined) },
          status: result.statusCode,
          reason: result.header['Weapp-Session-Error'] as string | undefined,
          body: result.data,
          calls: wechat.calls.slice(callsBefore),
        })
        options.success?.(result)
      },
    })
  }

  return {
    async during(action) {
      exchanges = []
      await action()
      return exchanges
    },
  }
}
