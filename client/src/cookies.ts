import { type Head, headerOf } from './answer.js'
import { isSecureUrl, partsOf } from './urls.js'
import { isObject } from './util.js'
import type { Header } from './wx.js'

/** Cookies, as RFC 6265 has them: `wx.request` keeps none. */
export interface Cookie {
  name: string
  value: string
  /** The host that it is for. */
  domain: string
  /** Whether it is for the hosts below `domain` too. */
  isWide: boolean
  path: string
  isSecure: boolean
  /** When its answer arrived: Unix ms, by the clock of the phone, which may be wrong and may be changed. */
  since: number
  /** ms for which it lives from then on. */
  life: number
}

/** Where cookies are kept. What stands there may be nonsense: it comes from the phone's storage. */
export interface CookieJar {
  cookies?: unknown
}

/** Cookies as a session needs them. The core has none. */
export interface Cookies {
  withCookies(jar: CookieJar, url: string, header: Header): Header
  readCookies(jar: CookieJar, url: string, head: Head): boolean
  livingCookies(jar: CookieJar): unknown[]
}

const MAX_COOKIES = 50

/** Characters of a cookie with its attributes (RFC 6265, 6.1). */
const MAX_LENGTH = 4096

/** ms. A mini program has no browser to close, which would end cookies without an expiry. */
const FOR_EVER = 1e15

/** Adds the cookies for a URL to a header, after those that the app sends itself. */
export function withCookies(jar: CookieJar, url: string, header: Header): Header {
  const { path } = partsOf(url)
  const key = header.cookie ? 'cookie' : 'Cookie'
  const pairs = livingCookies(jar)
    .filter((cookie) => isAllowed(cookie, url) && isBelow(path, cookie.path))
    .map(({ name, value }) => `${name}=${value}`)
  if (pairs[0]) header[key] = [header[key], ...pairs].filter(Boolean).join('; ')
  return header
}

/** Puts the cookies of an answer into the jar. Returns whether there were any: then the jar is to be stored. */
export function readCookies(jar: CookieJar, url: string, head: Head): boolean {
  const received = linesIn(head)
    .map((line) => parseCookie(line, url, head))
    .filter(Boolean) as Cookie[]
  for (const cookie of received) {
    const others = livingCookies(jar).filter((other) => idOf(other) !== idOf(cookie))
    jar.cookies = [...others, cookie].slice(-MAX_COOKIES)
  }
  return !!received[0]
}

/** The cookies that are not too old. */
export function livingCookies({ cookies }: CookieJar): Cookie[] {
  return Array.isArray(cookies)
    ? cookies.filter(isObject as (value: unknown) => value is Cookie).filter(isAlive)
    : []
}

function isAlive(cookie: Cookie): boolean {
  const now = Date.now()
  // The clock was set back. Nobody knows how old the cookie is, so its age counts from now.
  if (now < cookie.since) cookie.since = now
  return now - cookie.since < cookie.life
}

/** The lines of `Set-Cookie`: in an array of `wx`, or in a header, where they may be joined by commas. */
function linesIn({ header, cookies }: Head): string[] {
  const lines = texts(cookies)
  const joined = headerOf(header, 'Set-Cookie')
  if (lines[0]) return lines
  // A comma before a name and `=` begins another cookie. Other commas stand in dates.
  return typeof joined === 'string' ? joined.split(/,(?=\s*[^\s;,=]+=)/) : texts(joined)
}

function texts(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((line) => typeof line === 'string') : []
}

type Pair = [name: string, value?: string]

/** The cookie of one line (RFC 6265, 5.2 and 5.3), or `undefined` if it is to be ignored. */
function parseCookie(line: string, url: string, { header }: Head): Cookie | undefined {
  const parts = partsOf(url)
  // Split at the first `=`: a value may contain more of them.
  const pairs = line.split(';').map((part) => part.trim().split(/\s*=\s*(.*)/))
  const [[name, value], ...rest] = pairs as [Pair, ...Pair[]]
  const attributes: Record<string, string | undefined> = {}
  for (const [attribute, value = ''] of rest) attributes[attribute.toLowerCase()] = value
  const { domain = '', path = '', expires = '', 'max-age': maxAge = '', secure } = attributes
  const wide = domain.replace(/^\./, '').toLowerCase()
  const now = Date.now()
  // `Expires` is a time of the server's clock, and so is `Date`.
  const sent = Date.parse(headerOf(header, 'Date') as string) || now
  const lives = [Number(maxAge || 'none') * 1000, Date.parse(expires) - sent, FOR_EVER]
  const cookie = {
    name,
    value,
    domain: wide || parts.host,
    // A single word (`com`) is too wide, and there are no hosts below an IP address.
    isWide: /\.[a-z]/.test(wide),
    // RFC 6265, 5.1.4.
    path: path[0] === '/' ? path : parts.path.replace(/\/[^/]*$/, '') || '/',
    isSecure: secure !== undefined,
    since: now,
    life: lives.find((life) => life <= FOR_EVER),
  } as Cookie
  const isGood = name && value !== undefined && line.length <= MAX_LENGTH && isAllowed(cookie, url)
  return isGood && keepsPrefix(cookie, !domain && path === '/') ? cookie : undefined
}

/**
 * Whether a cookie keeps what its name promises (RFC 6265bis, 4.1.3). Otherwise a sibling host could put a session of
 * its own in the place of ours.
 */
function keepsPrefix({ name, isSecure }: Cookie, isHostOnly: boolean): boolean {
  const [, prefix = ''] = /^__(host|secure)-/i.exec(name) || []
  return !prefix || (isSecure && (isHostOnly || !/^h/i.test(prefix)))
}

/** Whether a URL may set a cookie, and get it. */
function isAllowed({ domain, isWide, isSecure }: Cookie, url: string): boolean {
  const { host } = partsOf(url)
  const isOfHost = host === domain || (isWide && host.endsWith(`.${domain}`))
  return isOfHost && (!isSecure || isSecureUrl(url))
}

/** RFC 6265, 5.1.4. */
function isBelow(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(`${cookiePath}`.replace(/\/?$/, '/'))
}

function idOf({ name, domain, path }: Cookie): string {
  return [name, domain, path].join()
}
