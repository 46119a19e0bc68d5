import { CODE_HEADER } from '../../src/protocol.js'
import { attempt, isObject } from './util.js'
import type { Header, Wx } from './wx.js'

/** The session as it is kept between launches: the header that names it. */
export interface Vault {
  load(): Header | undefined
  /** Nothing: forgets it. */
  keep(header: Header | undefined): void
}

/** What is kept beside the session, in the same place, so that both are read at once. */
export interface Shelf {
  cookies?: unknown
  /** Made by the vault. */
  save?(): void
}

/** Of what is stored. Before there was anything but codes, it was 1. */
const VERSION = 2

/**
 * Keeps one session in the phone's storage, which belongs to this user and mini program. Storage that fails or
 * holds nonsense costs a login, and nothing else.
 */
export function vault(wx: Wx, key: string, shelf: Shelf): Vault {
  let current: Header | undefined
  shelf.save = save
  return {
    load() {
      const { v, code, header, cookies } = Object(attempt(() => wx.getStorageSync(key)))
      shelf.cookies = cookies
      if (v === VERSION && isObject(header)) current = header as Header
      if (v === 1 && typeof code === 'string' && code) current = { [CODE_HEADER]: code }
      return current
    },
    keep(header) {
      current = header
      save()
    },
  }

  function save(): void {
    const { cookies } = shelf
    attempt(() => {
      if (current || cookies) wx.setStorageSync(key, { v: VERSION, header: current, cookies })
      else wx.removeStorageSync(key)
    })
  }
}

/** A key for this mini program, in this version, at this server: what belongs to others is never read. */
export function defaultKey(wx: Wx, origin = '*'): string {
  const { appId, envVersion } = attempt(() => wx.getAccountInfoSync().miniProgram, { appId: '' })
  return `weapp-session:${appId}:${envVersion}:${origin}`
}
