import { headerNames, PREFIX, PREFIX_2016 } from '../protocol.js'
import { optionError } from '../util/option-error.js'

/** Whether it can name a header, or a cookie (RFC 9110, 5.6.2: token). */
export function isToken(name: unknown): name is string {
  return typeof name === 'string' && /^[!#$%&'*+.^_`|~\w-]+$/.test(name)
}

/** Headers of HTTP, of browsers and of proxies: to send a credential in them breaks what they are for. */
const OF_HTTP = new RegExp(
  '^(?:(?:accept|access-control|content|cross-origin|if|proxy|sec|x-forwarded)-.*|accept|age|allow|authorization|' +
    'cache-control|connection|cookie|date|etag|expect|expires|forwarded|from|host|keep-alive|last-modified|link|location|' +
    'origin|pragma|range|referer|retry-after|server|set-cookie|te|trailer|transfer-encoding|upgrade|user-agent|vary|via|' +
    'www-authenticate|x-real-ip)$',
  'i',
)

/** Those of a login, and those that 云托管 sets. The session's own may be named. */
const OURS = new Set(
  [PREFIX, PREFIX_2016].flatMap((prefix) => {
    const { session: _, ...others } = headerNames(prefix)
    return Object.values(others).map((name) => name.toLowerCase())
  }),
)
const OF_CLOUD_RUN = /^x-wx-(?:(?:from-)?(?:openid|appid|unionid)|env|source|from-.*)$/i

/** Whether a header says something else already. */
export function hasOwnMeaning(name: string): boolean {
  return OF_HTTP.test(name) || OURS.has(name.toLowerCase()) || OF_CLOUD_RUN.test(name)
}

/** The attributes of a cookie that decide its name. */
interface Scope {
  path: string
  domain: string | undefined
  secure: boolean
}

/**
 * A name that begins with `__Host-` is a promise that browsers keep (RFC 6265bis, 4.1.3.2): only this very host has set
 * it, over TLS, for all its paths. Without it, a page of any sibling host can put a session of its own in the place of a
 * visitor's, with `Domain=example.com`.
 */
export function defaultName(scope: Scope): string {
  return isOfHost(scope) ? '__Host-wx-session' : 'wx-session'
}

/** @throws {TypeError} when browsers would refuse a cookie of that name, whatever case its prefix has */
export function checkPrefix(name: string, scope: Scope): void {
  if (/^__host-/i.test(name) && !isOfHost(scope)) {
    throw optionError(
      `cookieCarrier({ name: '${name}' }) needs secure: true, path: '/' and no domain, or browsers refuse the cookie`,
    )
  }
  if (/^__secure-/i.test(name) && !scope.secure)
    throw optionError(`cookieCarrier({ name: '${name}' }) needs secure: true, or browsers refuse the cookie`)
}

function isOfHost({ path, domain, secure }: Scope): boolean {
  return secure && path === '/' && !domain
}
