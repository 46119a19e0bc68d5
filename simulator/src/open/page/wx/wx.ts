import type { App } from '../app.js'
import type { Line, Network } from '../line.js'
import type { Notices } from '../notices.js'
import type { Pages } from '../page-stack.js'
import { hideLoading, hideToast, showActionSheet, showLoading, showModal, showToast } from '../ui.js'
import { type Callbacks, settle } from './callbacks.js'
import { createDevice } from './device.js'
import { createMissing } from './missing.js'
import { createNavigation } from './navigation.js'
import { createSelectorQuery } from './query.js'
import { createStorage } from './storage.js'

type Call = Record<string, unknown> & Callbacks
type NetworkListener = (status: { isConnected: boolean; networkType: string }) => void

/** What this phone is, beside its line. */
export interface Surroundings {
  line: Line
  appId: string
  /** Storage belongs to the phone: another user's is another one. */
  storageName: string
  app: App
  notices: Notices
  pages(): Pages
}

/** The `wx` of a phone on a page of a browser. */
type Wx = Record<string, unknown>

/**
 * Makes `wx`. What speaks to WeChat or to a server happens on the simulator's phone, so that what goes over the wire is
 * what a phone sends; what is on the screen happens here; storage is the browser's.
 */
export function createWx({ line, appId, storageName, app, notices, pages }: Surroundings): {
  wx: Wx
  onNetwork(network: Network): void
} {
  const listeners = new Set<NetworkListener>()
  let isConnected = true
  const networkType = (): string => (isConnected ? 'wifi' : 'none')
  const forwarded =
    (api: string) =>
    (options: Call = {}) =>
      void line.call(api, options)

  const missing = createMissing(notices)
  const wx: Wx = {
    ...missing,
    login: forwarded('login'),
    checkSession: promised('checkSession'),
    getUserInfo: promised('getUserInfo'),
    getUserProfile: promised('getUserProfile'),
    request: (options: Call) => requestTask(line, options),

    onNetworkStatusChange: (listener: NetworkListener) => void listeners.add(listener),
    offNetworkStatusChange: (listener?: NetworkListener) =>
      listener ? void listeners.delete(listener) : listeners.clear(),
    getNetworkType: (callbacks: Callbacks = {}) =>
      settle('getNetworkType', callbacks, () => ({ networkType: networkType() })),
    onAppShow: app.onShow,
    onAppHide: app.onHide,

    ...createStorage(storageName),
    ...createNavigation(pages),
    ...createDevice(appId),
    showToast,
    hideToast,
    showLoading,
    hideLoading,
    showModal,
    showActionSheet,
    createSelectorQuery: () => createSelectorQuery(() => pages().top()),
    nextTick: (done: () => void) => queueMicrotask(done),
    canIUse(name: string) {
      const api = name.split('.')[0] ?? ''
      return api in wx && !(api in missing)
    },
    /** Where an avatar comes from nowhere (see avatars.ts), there is nothing to be moved. */
    getFileSystemManager: () => ({
      saveFile: ({ tempFilePath, success }: { tempFilePath: string } & Callbacks) =>
        success?.({ savedFilePath: tempFilePath }),
    }),
  }

  return {
    wx,
    onNetwork(network) {
      isConnected = network.isConnected
      for (const listener of listeners) listener({ isConnected, networkType: networkType() })
    },
  }

  function promised(api: string) {
    return (options: Call = {}) => {
      if (options.success || options.fail || options.complete) return void line.call(api, options)
      return new Promise((success, fail) => line.call(api, { ...options, success, fail }))
    }
  }
}

function requestTask(line: Line, { success, ...options }: Call): object {
  if (options.responseType === 'arraybuffer' || options.data instanceof ArrayBuffer) {
    options.fail?.({ errMsg: 'request:fail an ArrayBuffer is not simulated here', errno: 600000 })
    return {}
  }
  const listeners = new Set<(headers: object) => void>()
  const abort = line.call('request', {
    ...options,
    success(result) {
      for (const listener of listeners) listener(result)
      success?.(result)
    },
  })
  return {
    abort,
    onHeadersReceived: (listener: (headers: object) => void) => void listeners.add(listener),
    offHeadersReceived: (listener: (headers: object) => void) => void listeners.delete(listener),
  }
}
