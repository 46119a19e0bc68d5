import type { App } from './app.js'
import type { AppShow } from './wx.js'
import type { AppBaseInfo, DeviceInfo, WindowInfo, WxDeviceApis } from './wx-device-apis.js'

/** Which system a phone has. */
export type PhoneSystem = 'android' | 'ios'

/** The last base library that the simulator was compared with. */
export const BASE_LIBRARY = '3.8.12'

/** Phones that exist; nothing here depends on them. */
const DEVICES: Readonly<Record<PhoneSystem, DeviceInfo>> = {
  android: {
    ...{ brand: 'Xiaomi', model: '23127PN0CC', system: 'Android 14', platform: 'android' },
    ...{ memorySize: '12288', benchmarkLevel: 40 },
  },
  ios: {
    ...{ brand: 'iPhone', model: 'iPhone 15<iPhone15,4>', system: 'iOS 17.6', platform: 'ios' },
    ...{ memorySize: '6144', benchmarkLevel: -1 },
  },
}

const WINDOW: WindowInfo = {
  ...{ pixelRatio: 3, screenWidth: 390, screenHeight: 844 },
  ...{ windowWidth: 390, windowHeight: 753, statusBarHeight: 47 },
}

/** WeChat, as the host of mini programs. */
const HOST = { appId: 'wx_client' }

/** What the app can find out about its phone. */
export function deviceApis(
  app: App,
  { system, baseLibrary, launch }: { system: PhoneSystem; baseLibrary: string; launch: AppShow },
): WxDeviceApis {
  const base: AppBaseInfo = {
    ...{ SDKVersion: baseLibrary, version: '8.0.60', language: 'zh_CN', theme: 'light' },
    ...{ enableDebug: false, fontSizeSetting: 17, host: HOST },
  }
  const { host: _, ...baseOfOld } = base
  const started = () => ({ ...launch, query: { ...launch.query }, referrerInfo: {} })

  return {
    getSystemInfoSync() {
      app.callSync('getSystemInfoSync', () => undefined)
      return { ...DEVICES[system], ...baseOfOld, ...WINDOW }
    },
    getDeviceInfo: () => ({ ...DEVICES[system] }),
    getAppBaseInfo: () => ({ ...base, host: { ...HOST } }),
    getWindowInfo: () => ({ ...WINDOW }),
    getLaunchOptionsSync: started,
    getEnterOptionsSync: started,
  }
}
