import type { Trace } from './trace.js'

/** What curl writes itself. */
const BY_CURL = new Set(['host', 'connection', 'content-length', 'accept-encoding', 'user-agent', 'expect'])

/**
 * A command for a shell that sends the request once more. It has the whole credential: it is made when somebody asks for it,
 * for their clipboard.
 */
export function curlOf(trace: Trace): string {
  const { method, path, headers, target } = trace
  const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1]
  const at = host ?? `127.0.0.1:${target?.port ?? 80}`
  const url = `${target?.isEncrypted ? 'https' : 'http'}://${at}${path}`
  const body = trace.body()?.bytes.toString('utf8') ?? ''
  return [
    `curl ${quoted(url)}`,
    // A body makes it a POST by itself, and nothing else does.
    ...(method === (body ? 'POST' : 'GET') ? [] : [`-X ${quoted(method)}`]),
    ...(target?.isEncrypted ? ['--insecure'] : []),
    ...headers
      .filter(([name]) => !BY_CURL.has(name.toLowerCase()))
      .map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body ? [`--data-raw ${quoted(body)}`] : []),
  ].join(' \\\n  ')
}

/** For POSIX shells: nothing in single quotes has a meaning but their end. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
