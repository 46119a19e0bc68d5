import { type Callbacks, settle } from './callbacks.js'

/** What a phone says about itself. This one is as wide as the page that shows it. */
export function createDevice(appId: string): Record<string, unknown> {
  const windowInfo = (): object => ({
    pixelRatio: devicePixelRatio,
    screenWidth: innerWidth,
    screenHeight: innerHeight,
    windowWidth: innerWidth,
    windowHeight: innerHeight,
    statusBarHeight: 0,
    safeArea: {
      left: 0,
      top: 0,
      right: innerWidth,
      bottom: innerHeight,
      width: innerWidth,
      height: innerHeight,
    },
  })
  const deviceInfo = (): object => ({
    brand: 'devtools',
    model: 'weapp-simulator',
    platform: 'devtools',
    system: 'browser',
  })
  const baseInfo = (): object => ({
    SDKVersion: '3.5.0',
    version: '8.0.50',
    language: 'zh_CN',
    theme: 'light',
  })
  const systemInfo = (): object => ({ ...windowInfo(), ...deviceInfo(), ...baseInfo() })

  return {
    env: { USER_DATA_PATH: 'http://usr' },
    getAccountInfoSync: () => ({ miniProgram: { appId, envVersion: 'develop', version: '' } }),
    getWindowInfo: windowInfo,
    getDeviceInfo: deviceInfo,
    getAppBaseInfo: baseInfo,
    getSystemInfoSync: systemInfo,
    getSystemInfo: (callbacks: Callbacks = {}) => settle('getSystemInfo', callbacks, systemInfo),
    getLaunchOptionsSync: () => ({ path: '', query: {}, scene: 1001, referrerInfo: {} }),
    getMenuButtonBoundingClientRect: () => ({
      left: innerWidth - 94,
      right: innerWidth - 7,
      top: 8,
      bottom: 40,
      width: 87,
      height: 32,
    }),
    vibrateShort: (callbacks: Callbacks = {}) => settle('vibrateShort', callbacks, () => {}),
    setClipboardData: ({ data, ...callbacks }: Callbacks & { data: string }) =>
      settle('setClipboardData', callbacks, () => navigator.clipboard?.writeText(data)),
  }
}
