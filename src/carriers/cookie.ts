import { keyRing } from '../crypto/key-ring.js'
import { checkOptions, optionError } from '../util/option-error.js'
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
  const ids = signedIds(keyRing('cookieCarrier()', keys), name)
  const attributes = {
    signed: false,
    httpOnly: true,
    overwrite: true,
    path,
    sameSite,
    secure,
    ...(domain && { domain }),
  }

  const carrier: SessionCarrier = {
    kind: 'cookie',
    credential: 'issued',
    anonymous,
    ambient: true,
    hasExpiry: true,
    read({ cookies }) {
      const value = cookies.get(name, { signed: false })
      return value ? ids.read(value) : undefined
    },
    issue(ctx, { credential, session }) {
      // Whether the way to the user is encrypted is known by whoever is in front of us, not by Koa.
      ctx.cookies.secure = secure
      ctx.cookies.set(name, ids.print(credential), { ...attributes, expires: new Date(session.expires) })
    },
    clear(ctx) {
      ctx.cookies.secure = secure
      ctx.cookies.set(name, null, attributes)
    },
  }
  return carrier
}
