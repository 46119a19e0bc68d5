import { attempt, isObject } from './util.js'
import type { Header, Wx } from './wx.js'

/** The session as it is kept between launches: the header that names it. */
export interface Vault {
  load(): Header | undefined
  /** Nothing: forgets it. */
  keep(header: Header | undefined): void
  /** Stores what has changed on the shelf. */
  save(): void
}

/** What is kept beside the session, in the same place, so that both are read at once, and written. */
export interface Shelf {
  cookies?: unknown
  /** Whether the login brought cookies: then they may be the session. */
  isInCookies?: boolean
}

/** Of what is stored: what another version of this client has stored is not read. */
const VERSION = 2

/**
 * Keeps one session in the phone's storage, which belongs to this user and mini program. Storage that fails or
 * holds nonsense costs a login, and nothing else.
 */
export function vault(wx: Wx, key: string, shelf: Shelf): Vault {
  let current: Header | undefined

  return {
    load() {
      const { v, header, shelf: kept } = Object(attempt(() => wx.getStorageSync(key)))
      if (v !== VERSION) return undefined
      if (isObject(header)) current = header as Header
      Object.assign(shelf, kept)
      return current
    },
    keep(header) {
      current = header
      save()
    },
    save,
  }

  function save(): void {
    attempt(() => {
      if (current || shelf.cookies) wx.setStorageSync(key, { v: VERSION, header: current, shelf })
      else wx.removeStorageSync(key)
    })
  }
}

/** A key for this mini program, in this version, at this server: what belongs to others is never read. */
export function defaultKey(wx: Wx, origin = '*'): string {
  const { appId = '', envVersion } = Object(attempt(() => wx.getAccountInfoSync().miniProgram))
  return `weapp-session:${appId}:${envVersion}:${origin}`
}
