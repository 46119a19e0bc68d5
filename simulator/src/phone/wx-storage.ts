import { randomBytes } from 'node:crypto'

import type { App } from './app.js'
import { failure } from './callbacks.js'
import type { Wx } from './wx.js'

/** The most that one call gives: developers.weixin.qq.com/miniprogram/dev/api/base/crypto/wx.getRandomValues.html */
const MAX_RANDOM_BYTES = 1_048_576

type StorageApi = `${'get' | 'set' | 'remove' | 'clear'}Storage${'' | 'Sync'}`

/**
 * Storage that belongs to the phone. Values are kept as JSON, so that the app never shares an object
 * with its storage.
 */
export function storageApis(app: App, storage: Map<string, string>): Pick<Wx, StorageApi> {
  const get = (key: string): unknown => JSON.parse(storage.get(key) ?? '""')
  const set = (key: string, data: unknown) => void storage.set(key, JSON.stringify(data) ?? '""')

  return {
    getStorageSync: (key) => app.callSync('getStorageSync', () => get(key)) ?? '',
    setStorageSync: (key, data) => app.callSync('setStorageSync', () => set(key, data)),
    removeStorageSync: (key) => void app.callSync('removeStorageSync', () => storage.delete(key)),
    clearStorageSync: () => app.callSync('clearStorageSync', () => storage.clear()),

    getStorage(options) {
      return app.callOrPromise('getStorage', options, () =>
        storage.has(options.key)
          ? { success: { data: get(options.key) } }
          : failure('getStorage', 'data not found'),
      )
    },

    setStorage(options) {
      return app.callOrPromise('setStorage', options, () => {
        set(options.key, options.data)
        return { success: {} }
      })
    },

    removeStorage(options) {
      return app.callOrPromise('removeStorage', options, () => {
        storage.delete(options.key)
        return { success: {} }
      })
    },

    clearStorage(options) {
      return app.callOrPromise('clearStorage', options, () => {
        storage.clear()
        return { success: {} }
      })
    },
  }
}

/** Random bytes, a call of its own because a mini program has no other good source. */
export function randomApis(app: App): Pick<Wx, 'getRandomValues'> {
  return {
    getRandomValues(options) {
      return app.callOrPromise('getRandomValues', options, () => {
        const { length } = options
        const isValid = Number.isInteger(length) && length > 0 && length <= MAX_RANDOM_BYTES
        if (!isValid) return failure('getRandomValues', 'invalid length')
        return { success: { randomValues: new Uint8Array(randomBytes(length)).buffer } }
      })
    },
  }
}
