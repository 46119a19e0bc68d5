import type { OutgoingHttpHeader, ServerResponse } from 'node:http'

type Headers = Record<string, OutgoingHttpHeader | undefined> | OutgoingHttpHeader[]

/**
 * Calls `write` just before the headers of a response are written, whoever writes them. What is given to `writeHead()` is
 * set first, so that `write` has the last word.
 *
 * Our own, because `on-headers` calls its listener once, and `writeHead()` may throw after that (a reason phrase that is
 * not Latin-1, a trailer beside a length): then Koa removes all headers and answers with 500, and what had to be said
 * would be lost. So `write` is called for each try, and has to bear that.
 */
export function beforeHeaders(response: ServerResponse, write: () => void): void {
  const writeHead = response.writeHead

  response.writeHead = function writeHeadWithOurs(status: number, ...rest: unknown[]) {
    const [first, second] = rest
    const reason = typeof first === 'string' ? first : undefined
    if (!response.headersSent) {
      setAll(response, (reason === undefined ? (first ?? second) : second) as Headers | undefined)
      write()
      rest.length = 0
      if (reason !== undefined) rest.push(reason)
    }
    return Reflect.apply(writeHead, response, [status, ...rest]) as ServerResponse
  } as ServerResponse['writeHead']
}

/** As `writeHead()` does: a list has names and values in turn, and a name may be there more than once. */
function setAll(response: ServerResponse, headers: Headers | undefined): void {
  if (!headers) return
  const pairs = Array.isArray(headers) ? pairsOf(headers) : Object.entries(headers)
  const values = new Map<string, { name: string; all: string[] }>()
  for (const [name, value] of pairs) {
    if (value === undefined) continue
    const key = name.toLowerCase()
    const before = Array.isArray(headers) ? values.get(key)?.all : undefined
    values.set(key, { name, all: [...(before ?? []), ...[value].flat().map(String)] })
  }
  for (const { name, all } of values.values())
    response.setHeader(name, all.length === 1 ? (all[0] as string) : all)
}

/** Both forms that Node takes: names and values in turn, and a list of pairs. */
function pairsOf(list: OutgoingHttpHeader[]): [string, OutgoingHttpHeader][] {
  if (Array.isArray(list[0])) return list as unknown as [string, OutgoingHttpHeader][]
  const names = list.filter((_, i) => i % 2 === 0)
  return names.map((name, i) => [String(name), list[2 * i + 1] as OutgoingHttpHeader])
}
