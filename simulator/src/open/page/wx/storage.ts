import { type Callbacks, settle } from './callbacks.js'

/** What is kept, with its type: texts and other values must come back as they went in. */
interface Kept {
  data: unknown
}

/** `wx.getStorageSync()` and its family: the browser's storage, a part of it for each phone. */
export function createStorage(phone: string): Record<string, unknown> {
  const prefix = `${phone}/`
  const read = (name: string): unknown => {
    const text = localStorage.getItem(prefix + name)
    return text === null ? '' : (JSON.parse(text) as Kept).data
  }
  const has = (name: string): boolean => localStorage.getItem(prefix + name) !== null
  const write = (name: string, data: unknown): void =>
    localStorage.setItem(prefix + name, JSON.stringify({ data }))
  const remove = (name: string): void => localStorage.removeItem(prefix + name)
  const keys = (): string[] =>
    Object.keys(localStorage).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []))
  const clear = (): void => {
    for (const key of keys()) remove(key)
  }
  const info = (): object => ({ keys: keys(), currentSize: 0, limitSize: 10240 })

  return {
    getStorageSync: read,
    setStorageSync: write,
    removeStorageSync: remove,
    clearStorageSync: clear,
    getStorageInfoSync: info,
    getStorage: ({ key, ...callbacks }: Callbacks & { key: string }) =>
      settle('getStorage', callbacks, () => {
        if (!has(key)) throw new Error('getStorage:fail data not found')
        return { data: read(key) }
      }),
    setStorage: ({ key, data, ...callbacks }: Callbacks & { key: string; data: unknown }) =>
      settle('setStorage', callbacks, () => write(key, data)),
    removeStorage: ({ key, ...callbacks }: Callbacks & { key: string }) =>
      settle('removeStorage', callbacks, () => remove(key)),
    clearStorage: (callbacks: Callbacks = {}) => settle('clearStorage', callbacks, clear),
    getStorageInfo: (callbacks: Callbacks = {}) => settle('getStorageInfo', callbacks, info),
  }
}
