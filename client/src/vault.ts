import type { Wx } from './wx.js'

/** The session as it is kept between launches: the code that the server accepted. */
export interface Vault {
  load(): string | undefined
  save(code: string): void
  clear(): void
}

/** Version of what is stored: anything else is ignored. */
const VERSION = 1

/**
 * Keeps one session in the phone's storage, which belongs to this user and mini program. Storage that fails or
 * holds nonsense costs a login, and nothing else.
 */
export function vault(wx: Wx, key: string): Vault {
  return {
    load() {
      const value = attempt(() => wx.getStorageSync?.(key))
      const { v, code } = (typeof value === 'object' && value !== null ? value : {}) as {
        v?: unknown
        code?: unknown
      }
      return v === VERSION && typeof code === 'string' && code ? code : undefined
    },
    save(code) {
      attempt(() => wx.setStorageSync?.(key, { v: VERSION, code }))
    },
    clear() {
      attempt(() => wx.removeStorageSync?.(key))
    },
  }
}

/** A key for this mini program, in this version, at this server: what belongs to others is never read. */
export function defaultKey(wx: Wx, origin: string | undefined): string {
  const info = attempt(() => wx.getAccountInfoSync?.().miniProgram)
  const { appId = '', envVersion = '' } = info || {}
  return `weapp-session:${appId}:${envVersion}:${origin || '*'}`
}

function attempt<T>(access: () => T): T | undefined {
  try {
    return access()
  } catch {
    return undefined
  }
}
