import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'

/** Where the page lies: beside `src` and `dist` alike. */
const FOLDER = new URL('../../page/', import.meta.url)

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

/** Nothing from elsewhere, nothing inline, and nobody's frame. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

/** The file of the page that a path names; `undefined` when it names none. */
export function pageFileOf(path: string): string | undefined {
  if (path === '/') return 'index.html'
  return /^\/simulator\/page\/([\w-]+\.(?:js|css))$/.exec(path)?.[1]
}

/** Sends a file of the page. False when there is none of that name. */
export async function sendPageFile(response: ServerResponse, name: string): Promise<boolean> {
  const content = await readFile(new URL(name, FOLDER)).catch(() => undefined)
  if (content === undefined) return false
  const type = TYPES[name.replace(/^.*\./, '')]
  response.writeHead(200, { ...HEADERS, 'Content-Type': type ?? 'application/octet-stream' }).end(content)
  return true
}
