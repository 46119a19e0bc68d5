import type { ServerResponse } from 'node:http'
import { serialize } from 'cookie'
import { keyRing } from '../crypto/key-ring.js'
import { WeappSessionError } from '../errors.js'
import type { PresentedCredential } from '../session/session.js'
import { checkBoolean, checkOptions, optionError } from '../util/option-error.js'
import type { Carrier, SessionCarrier } from './carrier.js'
import { checkPrefix, defaultName, isToken } from './names.js'
import { signedIds } from './signed-id.js'

/** Options of {@link cookieCarrier}. */
export interface CookieCarrierOptions {
  /** As those of `headerCarrier()`. */
  keys: string | Uint8Array | undefined | (string | Uint8Array | undefined)[]
  /**
   * Default `__Host-wx-session` where the other options allow it (`secure`, `path: '/'`, no `domain`), so that no other
   * host can set it; else `wx-session`. A session that was given under another name is not read.
   */
  name?: string
  /** Default `/`. */
  path?: string
  /** Default: the host that set it, alone. */
  domain?: string
  /** Default `lax`. */
  sameSite?: 'strict' | 'lax' | 'none'
  /** Default true: leave it so, but on a developer's machine without HTTPS. */
  secure?: boolean
  /** As that of `headerCarrier()`. */
  anonymous?: boolean
}

const NAMES = [
  'keys',
  'name',
  'path',
  'domain',
  'sameSite',
  'secure',
  'anonymous',
] as const satisfies (keyof CookieCarrierOptions)[]

/**
 * The id of `headerCarrier()` in a cookie: `HttpOnly; Secure; SameSite`. For web pages beside the mini program, whose
 * client keeps cookies for `wx.request`, which does not.
 *
 * @throws {TypeError} when the keys are too short, or an option makes no sense
 *
 * @example
 * weappSession({ appId, appSecret, carrier: cookieCarrier({ keys: [process.env.SESSION_KEY] }) })
 */
export function cookieCarrier(options: CookieCarrierOptions): Carrier {
  checkOptions('cookieCarrier', options, NAMES)
  const { keys, path = '/', domain, sameSite = 'lax', secure = true, anonymous = false } = options
  const { name = defaultName({ path, domain, secure }) } = options
  if (!isToken(name)) throw optionError('cookieCarrier({ name }) must be the name of a cookie')
  checkPrefix(name, { path, domain, secure })
  if (!['strict', 'lax', 'none'].includes(sameSite)) {
    throw optionError("cookieCarrier({ sameSite }) must be 'strict', 'lax' or 'none'")
  }
  checkBoolean('cookieCarrier({ secure })', secure)
  checkBoolean('cookieCarrier({ anonymous })', anonymous)
  if (sameSite === 'none' && !secure)
    throw optionError("cookieCarrier({ sameSite: 'none' }) needs secure: true, or browsers refuse the cookie")
  checkScope(name, { path, domain })
  const ids = signedIds(keyRing('cookieCarrier()', keys), name)
  const attributes = { httpOnly: true, path, sameSite, secure, ...(domain && { domain }) }
  // The value ends at a semicolon; a name has none of these characters.
  const pairs = new RegExp(`(?:^|;)[ \\t]*${name.replace(/[$*+.^|]/g, '\\$&')}="?([^;"]*)`, 'g')

  /** With the age of a cookie, not the time of its end: the client's clock may be hours wrong. */
  function print(value: string, seconds: number): string {
    return serialize(name, value, { ...attributes, maxAge: seconds })
  }

  const carrier: SessionCarrier = {
    kind: 'cookie',
    credential: 'issued',
    anonymous,
    ambient: true,
    hasExpiry: true,
    read({ headers: { cookie } }) {
      // Most requests without a session have other cookies, or none.
      if (!cookie?.includes(name)) return undefined
      return oneOf(Array.from(cookie.matchAll(pairs), ([, value = '']) => value))
    },
    issue({ credential, expires }) {
      return {
        put(response) {
          const seconds = Math.max(0, Math.ceil((expires - Date.now()) / 1000))
          setCookie(response, name, print(ids.print(credential), seconds))
        },
      }
    },
    clear: (response) => setCookie(response, name, print('', 0)),
  }
  return carrier

  /**
   * The one that we signed. A page of a sibling host can put another cookie of this name beside ours ("cookie tossing"):
   * what nobody signed is passed over, and of two sessions nobody can say which is the visitor's.
   */
  function oneOf(values: string[]): PresentedCredential | undefined {
    const [value = '', ...others] = values
    if (others.length === 0) return value ? ids.read(value) : undefined
    const signed = values.map(ids.check).filter((presented) => presented !== undefined)
    const [presented] = signed
    if (!presented) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    return signed.every(({ credential }) => credential === presented.credential) ? presented : undefined
  }
}

/** Refuses what cannot be printed: each login would fail, with its code spent. And a path that browsers pass over. */
function checkScope(name: string, { path, domain }: { path: string; domain: string | undefined }): void {
  if (typeof path !== 'string' || !path.startsWith('/') || !isPrintable(name, { path }))
    throw optionError(
      "cookieCarrier({ path }) must be a path that begins with '/', percent-encoded and without a semicolon",
    )
  if (
    domain !== undefined &&
    (typeof domain !== 'string' || (domain !== '' && !isPrintable(name, { domain })))
  )
    throw optionError(
      "cookieCarrier({ domain }) must be the name of a host, such as 'example.com', without a scheme, a port or a path; " +
        'one that is not ASCII in Punycode (xn--…)',
    )
}

function isPrintable(name: string, attributes: { path: string } | { domain: string }): boolean {
  try {
    return serialize(name, '', attributes) !== ''
  } catch {
    return false
  }
}

/** Beside the cookies of the application, and in the place of an earlier one of ours. */
function setCookie(response: ServerResponse, name: string, line: string): void {
  const given = response.getHeader('Set-Cookie') ?? []
  const others = [given].flat().filter((other) => !String(other).startsWith(`${name}=`))
  response.setHeader('Set-Cookie', [...others.map(String), line])
}
