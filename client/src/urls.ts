import { optionError } from './errors.js'

/** Where calls go, and which origins get the session. */
export interface Origins {
  /** The origin that the session belongs to, if there is one. */
  base?: string | undefined
  /**
   * A relative URL as a path below the base; an absolute one as it is.
   *
   * @throws {TypeError} when it leads nowhere
   */
  resolve(url: string): string
  isOurs(url: string): boolean
}

/** Of `origins`: every server gets the session, as in 2016. */
export const EVERY = '*'

/** @throws {TypeError} when one is no URL */
export function createOrigins(baseUrl: string | undefined, origins: string[] = []): Origins {
  const ours = (baseUrl ? [baseUrl] : []).concat(origins).map(originOrThrow)

  return {
    base: baseUrl && originOf(baseUrl),
    resolve(url) {
      if (originOf(url)) return url
      if (!baseUrl || typeof url !== 'string') throw optionError('url needs a baseUrl')
      return `${baseUrl.replace(/\/+$/, '')}/${url.replace(/^\/+/, '')}`
    },
    isOurs: (url) => ours.includes(EVERY) || ours.includes(originOf(url) as string),
  }
}

interface UrlParts {
  /** `https://host:port`. A socket has the origin of its HTTP twin. `undefined` for a relative URL. */
  origin: string | undefined
  host: string
  path: string
}

/** A mini program has no `URL`. */
export function partsOf(url: string): UrlParts {
  // What stands before an @ is no host: `https://good.example@evil.example`.
  const [found, , secure = '', host = '', port = '', path] =
    /^(http|ws)(s?):\/\/(?:[^/?#\\]*@)?(\[[^/?#\\]*]|[^/?#\\:]+)(:[^/?#\\]*)?([^?#]*)/i.exec(url) || []
  const given = port === (secure ? ':443' : ':80') ? '' : port
  return {
    origin: found && `http${secure}://${host}${given}`.toLowerCase(),
    host: host.toLowerCase(),
    path: path || '/',
  }
}

/** Whether it is https; or this machine, for developers. */
export function isSecureUrl(url: string): boolean {
  return /^(https|wss):/i.test(url) || /^(localhost|127\.0\.0\.1)$/.test(partsOf(url).host)
}

export function originOf(url: string): string | undefined {
  return partsOf(url).origin
}

function originOrThrow(url: string): string {
  const origin = url === EVERY ? url : originOf(url)
  if (!origin) throw optionError(`no URL: ${url}`)
  return origin
}
