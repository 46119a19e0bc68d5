/** The phone. */
export interface DeviceInfo {
  brand: string
  model: string
  /** Such as `Android 14`. */
  system: string
  platform: 'android' | 'ios'
  /** Megabytes. */
  memorySize: string
  benchmarkLevel: number
}

/** WeChat, and its base library. */
export interface AppBaseInfo {
  /** The base library. */
  SDKVersion: string
  /** WeChat. */
  version: string
  language: string
  theme: 'light' | 'dark'
  enableDebug: boolean
  fontSizeSetting: number
  host: { appId: string }
}

/** The screen. */
export interface WindowInfo {
  pixelRatio: number
  screenWidth: number
  screenHeight: number
  windowWidth: number
  windowHeight: number
  statusBarHeight: number
}

/** How the app was started. */
export interface LaunchOptions {
  path: string
  query: Record<string, string>
  scene: number
  referrerInfo: Record<string, never>
}

/** All of the phone in one, as it was before there was one call for each part. */
export type SystemInfo = DeviceInfo & Omit<AppBaseInfo, 'host'> & WindowInfo

/** What of `wx` is about the phone. */
export interface WxDeviceApis {
  getSystemInfoSync(): SystemInfo
  getDeviceInfo(): DeviceInfo
  getAppBaseInfo(): AppBaseInfo
  getWindowInfo(): WindowInfo
  getLaunchOptionsSync(): LaunchOptions
  getEnterOptionsSync(): LaunchOptions
}
