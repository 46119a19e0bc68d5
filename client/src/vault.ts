import { attempt, isObject } from './util.js'
import type { Wx } from './wx.js'

/** The session as it is kept between launches: the code that the server accepted. */
export interface Vault {
  load(): string | undefined
  /** Nothing: forgets it. */
  keep(code: string | undefined): void
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
      const value = attempt(() => wx.getStorageSync(key))
      const { v, code } = (isObject(value) ? value : {}) as { v?: unknown; code?: unknown }
      return v === VERSION && typeof code === 'string' && code ? code : undefined
    },
    keep(code) {
      attempt(() => (code ? wx.setStorageSync(key, { v: VERSION, code }) : wx.removeStorageSync(key)))
    },
  }
}

/** A key for this mini program, in this version, at this server: what belongs to others is never read. */
export function defaultKey(wx: Wx, origin = '*'): string {
  const { appId, envVersion } = attempt(() => wx.getAccountInfoSync().miniProgram, { appId: '' })
  return `weapp-session:${appId}:${envVersion}:${origin}`
}
