import type { Callbacks, WxSuccess } from './wx-callbacks.js'

/** What WeChat has fetched ahead for the app. */
export interface BackgroundFetchData {
  /** The body of the answer. */
  fetchedData: string
  /** ms since 1970. */
  timeStamp: number
  path: string
  query: string
  scene: number
}

/** What of `wx` is about data that WeChat fetches before the app starts (数据预拉取). */
export interface WxPrefetchApis {
  /** The token that WeChat sends to your server instead of a code. At most 1024 characters. */
  setBackgroundFetchToken(options: { token: string } & Callbacks): undefined | Promise<WxSuccess>
  getBackgroundFetchToken(
    options?: Callbacks<WxSuccess & { token: string }>,
  ): undefined | Promise<WxSuccess & { token: string }>
  /** Fails when nothing was fetched. `periodic` is never there: 周期性更新 is not simulated. */
  getBackgroundFetchData(
    options: { fetchType?: 'pre' | 'periodic' } & Callbacks<WxSuccess & BackgroundFetchData>,
  ): undefined | Promise<WxSuccess & BackgroundFetchData>
  onBackgroundFetchData(listener: (data: BackgroundFetchData & { fetchType: 'pre' }) => void): void
}
