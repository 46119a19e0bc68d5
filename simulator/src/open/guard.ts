import type { IncomingMessage } from 'node:http'
import { isKnown } from '../control/guard.js'

/**
 * Whether a request is meant for this server: what runs here lets anybody log in as anybody, so no other site may use
 * it through the browser of who started it. A name that some DNS points to 127.0.0.1 is none of ours (DNS rebinding),
 * nor is a page of another origin.
 */
export function isForUs({ headers: { host, origin } }: IncomingMessage): boolean {
  if (host === undefined || !isKnown(host, [])) return false
  return origin === undefined || origin === `http://${host}`
}

/**
 * Code and styles of this server alone, and nothing inline; images and fonts from everywhere, as mini programs have them. Sockets
 * by name: for some browsers they are not of the page's own origin.
 */
export const HEADERS: Record<string, string> = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "img-src 'self' data: blob: https: http:",
    "font-src 'self' data: https:",
    "connect-src 'self' ws://127.0.0.1:* ws://localhost:*",
    "base-uri 'none'",
    "frame-ancestors 'self'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}
