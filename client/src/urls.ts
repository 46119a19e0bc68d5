import { mistake } from './errors.js'

/** Where calls go, and where the session goes with them. */
export interface Places {
  /** The origin that the session belongs to, where there is one. */
  origin?: string | undefined
  /**
   * A relative URL at its place below the base; an absolute one as it is.
   *
   * @throws {SessionError} ERR_OPTIONS when it leads nowhere
   */
  urlOf(url: string): string
  isOurs(url: string): boolean
}

/** @throws {SessionError} ERR_OPTIONS when one is no URL */
export function places(baseUrl: string | undefined, origins: string[] = []): Places {
  const ours = (baseUrl === undefined ? [] : [baseUrl]).concat(origins).map(originOrThrow)

  return {
    origin: baseUrl && originOf(baseUrl),
    urlOf(url) {
      if (originOf(url)) return url
      if (!baseUrl || typeof url !== 'string') throw mistake('url needs a baseUrl')
      return `${baseUrl.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`
    },
    isOurs: (url) => !ours[0] || ours.includes(originOf(url) as string),
  }
}

export type Parts = [
  /** `https://host:port`; a socket's counts as its HTTP twin. `undefined` for a relative URL. */
  origin: string | undefined,
  host: string,
  path: string,
  /** By https; or this machine, for developers. */
  isSafe: boolean,
]

export function partsOf(url: string): Parts {
  // There is no URL in a mini program. Whoever comes before an @ is no host: `https://good.example@evil.example`.
  const [found, , secure = '', host = '', port = '', path] =
    /^(http|ws)(s?):\/\/(?:[^/?#\\]*@)?(\[[^/?#\\]*]|[^/?#\\:]+)(:[^/?#\\]*)?([^?#]*)/i.exec(url) || []
  const given = port === (secure ? ':443' : ':80') ? '' : port
  const origin = found && `http${secure}://${host}${given}`.toLowerCase()
  return [origin, host.toLowerCase(), path || '/', !!secure || /^(localhost|127\.0\.0\.1)$/.test(host)]
}

export function originOf(url: string): string | undefined {
  return partsOf(url)[0]
}

function originOrThrow(url: string): string {
  const origin = originOf(url)
  if (!origin) throw mistake(`no URL: ${url}`)
  return origin
}
