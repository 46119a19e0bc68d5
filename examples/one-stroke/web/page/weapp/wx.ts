import type { Callbacks, Line, Network } from './line.js'
import type { Runtime } from './runtime.js'
import { showModal, showToast } from './ui.js'

type Call = Record<string, unknown> & Callbacks
type NetworkListener = (status: { isConnected: boolean; networkType: string }) => void

/** What this phone is, beside its line. */
export interface Device {
  line: Line
  appId: string
  /** Storage belongs to the phone: another user's is another one. */
  storageName: string
  runtime(): Runtime
}

/**
 * The `wx` of a phone on a page of a browser. What speaks to WeChat or to a server happens on the simulator's phone, so
 * that what goes over the wire is what a phone sends; what is on the screen happens here; storage is the browser's.
 */
export function createWx({ line, appId, storageName, runtime }: Device): {
  wx: object
  onNetwork(network: Network): void
} {
  const listeners = new Set<NetworkListener>()
  const key = (name: string) => `${storageName}/${name}`
  const forwarded =
    (api: string) =>
    (options: Call = {}) =>
      void line.call(api, options)

  const wx = {
    login: forwarded('login'),
    checkSession: forwarded('checkSession'),
    getUserInfo: forwarded('getUserInfo'),
    request: (options: Call) => requestTask(line, options),
    getAccountInfoSync: () => ({ miniProgram: { appId, envVersion: 'develop', version: '' } }),

    getStorageSync(name: string): unknown {
      return JSON.parse(localStorage.getItem(key(name)) ?? '""')
    },
    setStorageSync: (name: string, value: unknown) => localStorage.setItem(key(name), JSON.stringify(value)),
    removeStorageSync: (name: string) => localStorage.removeItem(key(name)),

    onNetworkStatusChange: (listener: NetworkListener) => void listeners.add(listener),

    navigateTo: ({ url }: { url: string }) => runtime().navigateTo(url),
    navigateBack: () => runtime().navigateBack(),
    stopPullDownRefresh: () => {},
    showToast,
    showModal,

    getWindowInfo: () => ({
      pixelRatio: devicePixelRatio,
      windowWidth: innerWidth,
      windowHeight: innerHeight,
    }),
    createSelectorQuery: () => selectorQuery(runtime()),
    /** Where an avatar comes from nowhere (see avatars.ts), there is nothing to be moved. */
    getFileSystemManager: () => ({
      saveFile: ({ tempFilePath, success }: { tempFilePath: string } & Callbacks) =>
        success?.({ savedFilePath: tempFilePath }),
    }),
  }

  return {
    wx,
    onNetwork({ isConnected }) {
      for (const listener of listeners) listener({ isConnected, networkType: isConnected ? 'wifi' : 'none' })
    },
  }
}

function requestTask(line: Line, { success, ...options }: Call): object {
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

/** `.select(…).fields({ node, size }).exec(…)`: how a page gets its canvas. */
function selectorQuery(runtime: Runtime): object {
  const found: (HTMLElement | null)[] = []
  const query = {
    select(selector: string) {
      found.push(runtime.select(selector))
      return { fields: () => query }
    },
    exec(done: (results: object[]) => void) {
      // In WeChat too, the answer comes later.
      requestAnimationFrame(() =>
        done(found.map((node) => ({ node, width: node?.clientWidth, height: node?.clientHeight }))),
      )
    },
  }
  return query
}
