import { type Head, headerOf } from './refusal.js'
import type { Shelf } from './storage.js'
import { type Parts, partsOf } from './urls.js'
import type { Header } from './wx.js'

/** Cookies, which `wx.request` does not keep (RFC 6265): they are on the shelf. */
export interface Cookie {
  name: string
  value: string
  /** The host that it is for. */
  domain: string
  /** Whether it is for the hosts below that too. */
  isWide: boolean
  path: string
  isSecure: boolean
  /** Unix ms. */
  expires: number
}

const MAX_COOKIES = 50

/** Characters of a cookie with its attributes (RFC 6265, 6.1). */
const MAX_LENGTH = 4096

/** Unix ms: no browser is closed here, which would end cookies without an expiry. */
const NEVER = 1e15

/** A header with the cookies for an address, after those that the app sends itself. */
export function withCookies(shelf: Shelf, url: string, header: Header): Header {
  const parts = partsOf(url)
  const key = header.cookie ? 'cookie' : 'Cookie'
  const pairs = livingCookies(shelf)
    .filter((cookie) => isAllowed(cookie, parts) && isBelow(parts[2], cookie.path))
    .map(({ name, value }) => `${name}=${value}`)
  return Object.assign({}, header, pairs[0] && { [key]: [header[key], ...pairs].filter(Boolean).join('; ') })
}

/** Learns what an answer sets, and says whether it sets anything: then it is to be stored. */
export function readCookies(shelf: Shelf, url: string, head: Head): boolean {
  const set = linesIn(head)
    .map((line) => cookieIn(line, partsOf(url)))
    .filter(Boolean) as Cookie[]
  for (const cookie of set) {
    const others = livingCookies(shelf).filter((other) => idOf(other) !== idOf(cookie))
    shelf.cookies = [...others, cookie].slice(-MAX_COOKIES)
  }
  return !!set[0]
}

/** All that have not expired. */
export function livingCookies({ cookies }: Shelf): Cookie[] {
  return Array.isArray(cookies) ? cookies.filter(({ expires }: Cookie) => expires > Date.now()) : []
}

/** What an answer sets: `wx` has it in an array; in a header; or joined there by commas. */
function linesIn({ header, cookies = [] }: Head): string[] {
  const given = cookies[0] ? cookies : headerOf(header, 'Set-Cookie') || []
  // A comma that has a name and `=` after it begins another cookie; others stand in dates.
  return Array.isArray(given) ? given : String(given).split(/,(?=\s*[^\s;,=]+=)/)
}

type Pair = [name: string, value?: string]

/** RFC 6265, 5.2 and 5.3. Nothing where the cookie is to be ignored. */
function cookieIn(line: string, parts: Parts): Cookie | undefined {
  const [, host, here] = parts
  // At the first `=`: a value may have more of them.
  const pairs = line.split(';').map((part) => part.trim().split(/\s*=\s*(.*)/))
  const [[name, value], ...attributes] = pairs as [Pair, ...Pair[]]
  const said: Record<string, string | undefined> = {}
  for (const [attribute, value = ''] of attributes) said[attribute.toLowerCase()] = value
  const { domain = '', path = '', expires = '', 'max-age': maxAge = '', secure } = said
  const wide = domain.replace(/^\./, '').toLowerCase()
  const lifetime = Number.parseInt(maxAge, 10) * 1000
  const cookie = {
    name,
    value,
    domain: wide || host,
    // One word (`com`) is too much for a cookie, and an address has nothing below it.
    isWide: /\.[a-z]/.test(wide),
    // RFC 6265, 5.1.4.
    path: path[0] === '/' ? path : here.replace(/\/[^/]*$/, '') || '/',
    isSecure: secure !== undefined,
    // Servers delete with the first moment there is, which is 0.
    expires: Date.now() + lifetime || Date.parse(expires) + 1 || NEVER,
  } as Cookie
  const isGood = name && value !== undefined && line.length <= MAX_LENGTH && isAllowed(cookie, parts)
  return isGood && keepsPrefix(cookie, !domain && path === '/') ? cookie : undefined
}

/**
 * RFC 6265bis, 4.1.3: what a name promises, a cookie has to keep, so that no sibling host can put a session of its own in
 * the place of ours.
 */
function keepsPrefix({ name, isSecure }: Cookie, isOfHost: boolean): boolean {
  const [, prefix = ''] = /^__(host|secure)-/i.exec(name) || []
  return !prefix || (isSecure && (isOfHost || !/^h/i.test(prefix)))
}

/** Whether an address may set a cookie, and get it. */
function isAllowed({ domain, isWide, isSecure }: Cookie, [, host, , isSafe]: Parts): boolean {
  return (host === domain || (isWide && host.endsWith(`.${domain}`))) && (isSafe || !isSecure)
}

/** RFC 6265, 5.1.4. */
function isBelow(here: string, path: string): boolean {
  return here === path || here.startsWith(path.replace(/\/?$/, '/'))
}

function idOf({ name, domain, path }: Cookie): string {
  return [name, domain, path].join()
}
