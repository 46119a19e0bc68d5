import { isObject, orUndefined } from './util.js'
import type { Header, Wx } from './wx.js'

/** What is kept of a session between launches. */
export interface StoredSession {
  /** The header that names the session. */
  credential?: Header | undefined
  cookies?: unknown
  /** Whether the login brought cookies: then the server may know the session by them. */
  isInCookies?: boolean
}

/** The phone's storage, which belongs to this user and this mini program. */
export interface SessionStorage {
  /** What was stored when the program began. Change it, then save. */
  session: StoredSession
  save(): void
}

/** What another version of this client has stored is not read. */
const VERSION = 2

/** Storage that fails or holds nonsense costs a login, and nothing else. `prefix`: of the names of headers. */
export function createStorage(wx: Wx, key: string, prefix: string): SessionStorage {
  const session = load()
  return { session, save }

  function load(): StoredSession {
    const { v, header, shelf } = Object(orUndefined(() => wx.getStorageSync(key)))
    if (v !== VERSION) return {}
    return Object.assign({}, shelf, { credential: isObject(header) ? renamed(header) : undefined })
  }

  /** The header under the name that is spoken now: the last launch may have spoken the names of 2016. */
  function renamed(header: object): Header | undefined {
    const [[name, value] = ['']] = Object.entries(header) as [string, unknown?][]
    return typeof value === 'string' ? { [name.replace(/^(x-wx|weapp)-/i, prefix)]: value } : undefined
  }

  function save(): void {
    // `header` and `shelf` are the words of the stored format. Phones hold sessions in it.
    const { credential: header, cookies, isInCookies } = session
    orUndefined(() => {
      if (header || cookies) {
        wx.setStorageSync(key, { v: VERSION, header, shelf: { cookies, isInCookies } })
      } else wx.removeStorageSync(key)
    })
  }
}

/** A key of this mini program, in this version, at this server: what belongs to others is never read. */
export function defaultKey(wx: Wx, origin = '*'): string {
  const { appId = '', envVersion } = Object(orUndefined(() => wx.getAccountInfoSync().miniProgram))
  return `weapp-session:${appId}:${envVersion}:${origin}`
}
