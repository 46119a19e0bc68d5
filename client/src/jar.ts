import { type Parts, partsOf } from './origin.js'
import { type Head, headerOf } from './refusal.js'
import type { Shelf } from './vault.js'
import type { Header } from './wx.js'

/** Keeps cookies, which `wx.request` does not (RFC 6265). */
export interface Jar {
  /** A header with the cookies for an address, after those that the app sends itself. */
  withCookies(url: string, header: Header): Header
  /** Keeps what an answer sets. Says whether it set something, and there is something. */
  read(url: string, head: Head): boolean
  /** All that have not expired. */
  living(): Cookie[]
}

/** As it is stored: short. */
export type Cookie = [
  name: string,
  /** What the host, after `/.`, must end with: begins so where it is of that host alone, else with a dot. */
  domain: string,
  path: string,
  value: string,
  isSecure: boolean,
  /** Unix ms. */
  expires: number,
]

const MAX_COOKIES = 50

/** Characters of a cookie with its attributes (RFC 6265, 6.1). */
const MAX_LENGTH = 4096

/** Unix ms: no browser is closed here, which would end cookies without an expiry. */
const NEVER = 1e15

export function jar(shelf: Shelf): Jar {
  return { withCookies, read, living }

  function withCookies(url: string, header: Header): Header {
    const [, host, here, isSafe] = partsOf(url)
    const key = header.cookie ? 'cookie' : 'Cookie'
    const own = header[key] ? [header[key]] : []
    const isFor = ([, domain, path, , isSecure]: Cookie) =>
      // RFC 6265, 5.1.4.
      (here === path || here.startsWith(path.replace(/\/?$/, '/'))) &&
      `/.${host}`.endsWith(domain) &&
      (isSafe || !isSecure)
    const pairs = living()
      .filter(isFor)
      .map(([name, , , value]) => `${name}=${value}`)
    return Object.assign({}, header, pairs[0] && { [key]: own.concat(pairs).join('; ') })
  }

  function read(url: string, head: Head): boolean {
    const set = linesIn(head)
      .map((line) => cookieIn(line, partsOf(url)))
      .filter(Boolean) as Cookie[]
    for (const cookie of set) {
      const others = living().filter((other) => idOf(other) !== idOf(cookie))
      shelf.cookies = others.concat([cookie]).slice(-MAX_COOKIES)
    }
    if (set[0] && shelf.save) shelf.save()
    return !!(set[0] && living()[0])
  }

  function living(): Cookie[] {
    const { cookies } = shelf
    return Array.isArray(cookies) ? cookies.filter(([, , , , , expires]) => expires > Date.now()) : []
  }
}

/** What an answer sets: `wx` has it in an array; in a header; or joined there by commas. */
function linesIn({ header, cookies = [] }: Head): string[] {
  const given = cookies[0] ? cookies : headerOf(header, 'Set-Cookie') || []
  // A comma that has a name and `=` after it begins another cookie; others stand in dates.
  return Array.isArray(given) ? given : String(given).split(/,(?=\s*[^\s;,=]+=)/)
}

/** RFC 6265, 5.2 and 5.3. Nothing where the cookie is to be ignored. */
function cookieIn(line: string, [, host, here, isSafe]: Parts): Cookie | undefined {
  const [, name = '', value = ''] = /^\s*([^;=\s]+)\s*=([^;]*)/.exec(line) || []
  const domain = said('domain').replace(/^\./, '').toLowerCase()
  // One word (`com`) is too much for a cookie, and an address has nothing below it.
  const isWide = /\.[a-z]/.test(domain) && `.${host}`.endsWith(`.${domain}`)
  const isSecure = /;\s*secure\s*(;|$)/i.test(line)
  const isForeign = domain && domain !== host && !isWide
  if (!name || line.length > MAX_LENGTH || isForeign || (isSecure && !isSafe)) return undefined

  const lifetime = Number.parseInt(said('max-age'), 10) * 1000
  return [
    name,
    isWide ? `.${domain}` : `/.${host}`,
    // RFC 6265, 5.1.4.
    /^\//.test(said('path')) ? said('path') : here.replace(/\/[^/]*$/, '') || '/',
    value.trim(),
    isSecure,
    // Servers delete with the first moment there is, which is 0.
    Date.now() + lifetime || Date.parse(said('expires')) + 1 || NEVER,
  ]

  function said(attribute: string): string {
    const [, value = ''] = RegExp(`;\\s*${attribute}\\s*=([^;]*)`, 'i').exec(line) || []
    return value.trim()
  }
}

function idOf(cookie: Cookie): string {
  return cookie.slice(0, 3).join()
}
