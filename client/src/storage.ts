import { orUndefined } from './util.js'
import type { Header, Wx } from './wx.js'

/** The session. Its credential and its cookies are kept between launches. */
export interface StoredSession {
  /** The header that names the session. Empty for one that is in cookies, and is the server's own business. */
  credential?: Header | undefined
  cookies?: unknown
  /** Whether the login brought cookies: then the server may know the session by them. */
  isInCookies?: boolean
  /** Unix ms of its login; `undefined` for a session that was found in storage. */
  since?: number | undefined
  /** The credential before, if both came at once: nobody knows which of them is the newer. */
  previous?: Header | undefined
}

/** The phone's storage, which belongs to this user and this mini program. */
export interface SessionStorage {
  /** What was stored when the program began. Change it, then save. */
  session: StoredSession
  save(): void
}

/** What another version of this client has stored is not read. */
const VERSION = 2

/** Storage that fails or holds nonsense costs a login, and nothing else. */
export function createStorage(wx: Wx, key: string, prefix: string): SessionStorage {
  const session = load()
  return { session, save }

  function load(): StoredSession {
    const { v, header, shelf } = Object(orUndefined(() => wx.getStorageSync(key)))
    if (v !== VERSION) return {}
    // Nor what is no credential, or spoke the names of another protocol.
    const {
      [`${prefix}Code`]: code,
      [`${prefix}Session`]: id = code,
      Authorization: name = id,
    } = Object(header)
    const isGood = typeof name === 'string'
    return Object.assign({}, shelf, isGood && { credential: header })
  }

  function save(): void {
    // `header` and `shelf` are the words of the stored format. Phones hold sessions in it.
    const { credential: header, cookies, isInCookies } = session
    orUndefined(() => {
      if ((header && Object.keys(header)[0]) || cookies) {
        wx.setStorageSync(key, { v: VERSION, header, shelf: { cookies, isInCookies } })
      } else wx.removeStorageSync(key)
    })
  }
}

/** A key of this mini program, in this version, at this server: what belongs to others is never read. */
export function defaultKey(wx: Wx, origin = '*'): string {
  const { appId = '', envVersion } = Object(
    orUndefined(() => wx.getAccountInfoSync && wx.getAccountInfoSync().miniProgram),
  )
  return `weapp-session:${appId}:${envVersion}:${origin}`
}
