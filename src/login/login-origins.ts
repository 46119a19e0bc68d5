import type { Context } from 'koa'
import { WeappSessionError } from '../errors.js'
import { optionError } from '../util/option-error.js'

/**
 * Who may log a browser in at `loginPath`, where the credential is a cookie: pages of this host, and those that were
 * named. Else any page could log its visitors in as somebody else ("login CSRF"): a browser takes the cookie of such an
 * answer, and sends it from then on by itself, `SameSite` or not.
 *
 * A browser says in `Origin` which page has sent a POST (Fetch, "append a request Origin header"), and no page can change
 * it. What is no browser's sends none, and is let in: it has no visitor to betray. `Sec-Fetch-Site` decides nothing:
 * WeChat for Windows and its DevTools say `cross-site` with every wx.request, without an `Origin`.
 *
 * A login in headers needs none of this. No form can send headers of our own, and a script of another site has to ask
 * first, in a preflight (Fetch, "CORS-preflight fetch"), which whoever runs this server answers or does not.
 *
 * @param allowed origins, or their hosts
 * @returns a check that throws ERR_BAD_REQUEST, 403, for a login that a page of another site has sent
 * @throws {TypeError} that names the origin which is none
 */
export function loginOriginCheck(allowed: unknown): (ctx: Context) => void {
  if (!Array.isArray(allowed))
    throw optionError(`loginOrigins must be a list, such as ['https://www.example.com']`)
  const hosts = new Set(allowed.map(allowedHost))

  return (ctx) => {
    // A page that is left for the answer is no client of ours: it was sent by a form, or a link.
    if (ctx.get('Sec-Fetch-Mode') === 'navigate') throw foreign('A login must not be a navigation')
    const origin = ctx.get('Origin')
    if (origin !== '' && !isFrom(origin, ctx.host, hosts))
      throw foreign('Origin must be this host, or one of loginOrigins')
  }
}

/** `Origin: null` (a sandboxed frame, a file, a redirect between sites) is of no host, and so of none of these. */
function isFrom(origin: string, here: string, hosts: ReadonlySet<string>): boolean {
  const url = ORIGIN.test(origin) ? parsed(origin) : undefined
  if (!url) return false
  // With the scheme of the origin: it says which port a host has that names none. Its own scheme says nothing, since TLS
  // may end in front of us.
  return url.host === parsed(`${url.protocol}//${here}`)?.host || hosts.has(url.host)
}

/** An origin, and nothing after it. */
const ORIGIN = /^https?:\/\/[^\s/?#\\@,]+$/i

/** With the scheme, its default port is the same host as none. */
function allowedHost(entry: unknown): string {
  const text = typeof entry === 'string' ? entry.replace(/\/$/, '') : ''
  const url = parsed(ORIGIN.test(text) ? text : `https://${text}`)
  const isHost = ORIGIN.test(text) || /^[^\s/?#\\@,]+$/.test(text)
  // No pattern, and not the word that stands for no host at all.
  if (isHost && url && !url.host.includes('*') && text !== 'null') return url.host
  const shown = typeof entry === 'string' ? `'${entry}'` : `a ${typeof entry}`
  throw optionError(
    `loginOrigins has ${shown}: it must be an origin, such as 'https://www.example.com', or its host`,
  )
}

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined
}

function foreign(what: string): WeappSessionError {
  return new WeappSessionError('ERR_BAD_REQUEST', { status: 403, message: `${what}.` })
}
