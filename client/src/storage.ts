import { orUndefined } from './util.js'
import type { Header, Wx } from './wx.js'

/** The session. Its credential and its cookies are kept between launches. */
export interface StoredSession {
  /** The header that names the session. Empty for one that is in cookies, and is the server's own business. */
  credential?: Header | undefined
  cookies?: unknown
  /** Whether the login brought cookies: then the server may know the session by them. */
  isInCookies?: boolean
  /** The credential before, if both came at once: nobody knows which of them is the newer. */
  previous?: Header | undefined
}

/** The phone's storage, which belongs to this user and this mini program, and to all copies of this client in it. */
export interface SessionStorage {
  /** What was stored when the program began. Change it, then save. */
  session: StoredSession
  save(): void
  /** Takes over the session that somebody else has stored here meanwhile. Returns whether there is one. */
  adopt(): boolean
}

/** What another version of this client has stored is not read. */
const VERSION = 2

/** Storage that fails or holds nonsense costs a login, and nothing else. */
export function createStorage(wx: Wx, key: string, prefix: string): SessionStorage {
  const session: StoredSession = {}
  /** All that was read or written here: who finds something else knows that somebody else has stored it. */
  const known = new Set<string | undefined>()
  /** Nor is what is no credential, or speaks the names of another protocol. */
  const credentials = RegExp(`^{"(${prefix}(Code|Session)|Authorization)":"[^"]+"}$`)
  /** Whether the last change has reached it. What is there otherwise may be of a user who has left. */
  let isOurs = true
  adopt()
  return { session, save, adopt }

  function adopt(): boolean {
    return !!orUndefined(() => {
      const { v, header, shelf } = Object(wx.getStorageSync(key))
      const text = JSON.stringify(header)
      if (!isOurs || v !== VERSION || known.has(text)) return false
      known.add(text)
      const { cookies, isInCookies } = Object(shelf)
      Object.assign(session, { cookies, isInCookies, previous: undefined })
      if (!credentials.test(text)) return false
      session.credential = header
      return true
    })
  }

  function save(): void {
    // `header` and `shelf` are the words of the stored format. Phones hold sessions in it.
    const { credential: header, cookies, isInCookies } = session
    const text = JSON.stringify(header)
    known.add(text)
    isOurs = false
    orUndefined(() => {
      const isKept = cookies || /:/.test(text)
      const given: unknown = isKept
        ? wx.setStorageSync(key, { v: VERSION, header, shelf: { cookies, isInCookies } })
        : empty()
      isOurs = true
      return given
    })
  }

  function empty(): unknown {
    try {
      return wx.removeStorageSync(key)
    } catch {
      return wx.setStorageSync(key, '')
    }
  }
}

/**
 * A key of this mini program, in this version, at this service, of which there may be several at one origin: what belongs
 * to others is never read.
 */
export function defaultKey(wx: Wx, base = '*'): string {
  const { appId = '', envVersion } = programOf(wx)
  return `weapp-session:${appId}:${envVersion}:${base.replace(/\/+$/, '')}`
}

/** What the phone says of this mini program. */
interface Program {
  appId?: string
  envVersion?: string
}

export function programOf(wx: Wx): Program {
  return Object(orUndefined(() => wx.getAccountInfoSync && wx.getAccountInfoSync().miniProgram))
}
