import type { Clock } from '../clock.js'
import type { App } from './app.js'
import { failure } from './callbacks.js'
import { createListeners } from './listeners.js'
import type { BackgroundFetchData, WxPrefetchApis } from './wx-prefetch-apis.js'

/** The most that a token may have, in characters: wx.setBackgroundFetchToken. */
const MAX_TOKEN = 1024

/** The most that an answer may have, in bytes: 数据预拉取. */
const MAX_DATA = 256 * 1024

/** What a phone keeps of 数据预拉取, over all starts of the app. */
export interface PrefetchStore {
  /** What the app has set, if it has. */
  token: string | undefined
  data: BackgroundFetchData | undefined
  /** Told of new data: the app that runs. */
  listener: ((data: BackgroundFetchData) => void) | undefined
}

/** What WeChat's server sends to yours, as a query. */
export interface PrefetchQuery {
  appid: string
  code: string
  timestamp: number
  path: string
  query: string
  scene: number
}

/** developers.weixin.qq.com/miniprogram/dev/framework/ability/pre-fetch.html */
export function prefetchApis(app: App, store: PrefetchStore): WxPrefetchApis {
  const listeners = createListeners<BackgroundFetchData & { fetchType: 'pre' }>()
  store.listener = (data) => app.later(() => listeners.emit({ ...data, fetchType: 'pre' }))

  return {
    setBackgroundFetchToken(options) {
      return app.callOrPromise('setBackgroundFetchToken', options, () => {
        const { token } = options
        const isValid = typeof token === 'string' && token.length > 0 && token.length <= MAX_TOKEN
        if (!isValid) return failure('setBackgroundFetchToken', 'invalid token')
        store.token = token
        return { success: {} }
      })
    },

    getBackgroundFetchToken(options) {
      return app.callOrPromise('getBackgroundFetchToken', options, () => {
        const { token } = store
        return token === undefined
          ? failure('getBackgroundFetchToken', 'token not exist')
          : { success: { token } }
      })
    },

    getBackgroundFetchData(options) {
      return app.callOrPromise('getBackgroundFetchData', options, () => {
        const { data } = store
        if (data === undefined || options.fetchType === 'periodic') {
          return failure('getBackgroundFetchData', 'record is null')
        }
        return { success: { ...data } }
      })
    },

    onBackgroundFetchData: listeners.on,
  }
}

/**
 * What WeChat's server does before the app starts: a GET to yours, whose answer the phone keeps. A token takes the place of
 * the code. What is no success, or too long, is dropped.
 */
export async function prefetch(
  url: string,
  { code, ...query }: PrefetchQuery,
  { store, clock }: { store: PrefetchStore; clock: Clock },
): Promise<void> {
  const address = new URL(url)
  const who = store.token === undefined ? { code } : { token: store.token }
  const fields = { ...query, ...who, customMiniprogramVersion: '1.0.0' }
  for (const [name, value] of Object.entries(fields)) address.searchParams.set(name, String(value))

  const response = await fetch(address)
  const fetchedData = await response.text()
  if (!response.ok || Buffer.byteLength(fetchedData) > MAX_DATA) return
  const { path, query: pageQuery, scene } = query
  store.data = { fetchedData, timeStamp: clock.now(), path, query: pageQuery, scene }
  store.listener?.(store.data)
}
