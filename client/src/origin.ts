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
