import { mistake } from './errors.js'

/** Where calls go, and where the session goes with them. */
export interface Places {
  /** The origin that the session belongs to, where there is one. */
  origin: string | undefined
  /** @throws {SessionError} ERR_OPTIONS when it leads nowhere */
  urlOf(url: unknown): string
  isOurs(url: string): boolean
}

/** @throws {SessionError} ERR_OPTIONS when one is no URL */
export function places(baseUrl: string | undefined, origins: string[] = []): Places {
  const origin = baseUrl === undefined ? undefined : originOrThrow(baseUrl)
  const allowed = origins.map(originOrThrow).concat(origin || [])

  return {
    origin,
    urlOf(url) {
      const resolved = typeof url === 'string' && resolveUrl(url, baseUrl)
      if (!resolved) throw mistake('url needs a baseUrl')
      return resolved
    },
    isOurs: (url) => allowed.length === 0 || allowed.indexOf(originOf(url) || '') >= 0,
  }
}

/** `https://host:port` of an absolute URL (a socket's counts as its HTTP twin), `undefined` for a relative one. */
export function originOf(url: string): string | undefined {
  // There is no URL in a mini program.
  const match = /^(http|ws)(s?):\/\/([^/?#\\]+)/i.exec(url)
  if (!match) return undefined
  const [, , secure = '', host = ''] = match
  const port = secure ? ':443' : ':80'
  // Whoever comes before an @ is no host: `https://good.example@evil.example` goes to evil.example.
  const name = host.slice(host.lastIndexOf('@') + 1).toLowerCase()
  return `http${secure.toLowerCase()}://${name.endsWith(port) ? name.slice(0, -port.length) : name}`
}

/** A relative URL at its place below the base; an absolute one as it is. */
export function resolveUrl(url: string, baseUrl: string | undefined): string | undefined {
  if (originOf(url)) return url
  return baseUrl && `${baseUrl.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`
}

function originOrThrow(url: string): string {
  const origin = originOf(url)
  if (!origin) throw mistake(`no URL: ${url}`)
  return origin
}
