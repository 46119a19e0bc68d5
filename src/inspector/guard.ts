import type { IncomingMessage } from 'node:http'

const OUR_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i

/** What whoever passes a request on says of it. */
const OF_PROXIES = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'cf-connecting-ip',
  'x-client-ip',
]

/**
 * Why a request is not to be answered; `undefined` when it is. The page shows what users send, and ends their sessions: it
 * is for the developer at this very machine, in a page that came from here.
 *
 * - Only over loopback: whoever reaches the server from elsewhere is not the developer.
 * - Not through a proxy, which makes everybody look like loopback. What speaks HTTP/1.0 is one: no browser does.
 * - Only by a name of loopback: another name that some DNS points to 127.0.0.1 is somebody else's (DNS rebinding).
 * - Not from a page of another origin, be it of another port: by `Origin`, and by `Sec-Fetch-Site`, which browsers also send
 *   where there is no `Origin`.
 */
export function refusalOf(request: IncomingMessage): string | undefined {
  const { headers, socket, httpVersionMajor, httpVersionMinor } = request
  if (!isLoopback(socket.remoteAddress)) return 'it answers only to this machine (127.0.0.1)'
  if (OF_PROXIES.some((name) => headers[name] !== undefined)) return 'it does not answer through a proxy'
  if (httpVersionMajor === 1 && httpVersionMinor === 0) return 'it does not answer to HTTP/1.0'

  const host = headers.host ?? String(headers[':authority'] ?? '')
  if (!OUR_HOST.test(host)) return 'open it by the name 127.0.0.1 or localhost'
  const scheme = (socket as { encrypted?: boolean }).encrypted ? 'https' : 'http'
  const { origin } = headers
  if (origin !== undefined && origin !== new URL(`${scheme}://${host}`).origin)
    return 'a page of another origin has asked for it'
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'another site has asked for it'
  return undefined
}

/** Actions change something: a form, or a script that need not ask first, cannot say that it sends JSON. */
export function isAction({ method, headers }: IncomingMessage): boolean {
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';', 1)
  return method === 'POST' && type.trim() === 'application/json'
}

/** Nothing from elsewhere, nothing inline; a frame only in a page from here. */
export const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'SAMEORIGIN',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address)
}
