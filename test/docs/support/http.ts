import { type RequestOptions, request } from 'node:http'

/** An HTTP message as the documents print it: a first line, headers, and JSON, a text, or nothing. */
export interface Message {
  first: string
  headers: [name: string, value: string][]
  body: unknown
}

export function parseMessage(text: string): Message {
  const [head = '', ...rest] = text.split('\n\n')
  const [first = '', ...lines] = head.split('\n')
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(':')
    return [line.slice(0, at), line.slice(at + 1).trim()]
  })
  const body = rest.join('\n\n').trim()
  return { first, headers, body: bodyOf(body) }
}

/** JSON, or a text of Koa's. */
function bodyOf(text: string): unknown {
  if (text === '') return undefined
  return /^[{["]/.test(text) ? JSON.parse(text) : text
}

export interface Answer {
  /** `HTTP/1.1 200 OK` */
  first: string
  headers: Record<string, string | string[] | undefined>
  body: unknown
}

/** Sends a request to a server of this machine, as it stands. */
export function send(url: string, { first, headers, body }: Message): Promise<Answer> {
  const [method, path] = first.split(' ')
  const { hostname, port } = new URL(url)
  const options: RequestOptions = { method, path, headers: Object.fromEntries(headers), hostname, port }
  return new Promise((resolve, reject) => {
    const sent = request(options, async (response) => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      const status = `HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage}`
      resolve({ first: status, headers: response.headers, body: bodyOf(text) })
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** What the names in braces stand for, as far as that is known. */
export type Names = Map<string, string>

const NAME = /\{(\w+)\}/g

/** Puts values in the place of names. @throws {Error} for a name that is not known */
export function filled(text: string, names: Names): string {
  return text.replace(NAME, (_, name: string) => {
    const value = names.get(name)
    if (value === undefined) throw new Error(`nobody has said what {${name}} is`)
    return value
  })
}

/**
 * Whether a text is as it is printed, where … is anything; a name that is met for the first time stands for what is found in its place, and
 * for the same from then on.
 */
export function matches(printed: string, found: string, names: Names): boolean {
  const met: string[] = []
  const pattern = printed
    .split(NAME)
    .map((part, i) => {
      if (i % 2 === 0) return escaped(part).replaceAll('…', '.*')
      const known = names.get(part)
      if (known !== undefined) return escaped(known)
      met.push(part)
      return '(.+?)'
    })
    .join('')
  const groups = new RegExp(`^${pattern}$`, 's').exec(found)
  groups?.slice(1).forEach((value, i) => {
    names.set(met[i] as string, value)
  })
  return groups !== null
}

/** Whether JSON is as it is printed, field by field. */
export function matchesJson(printed: unknown, found: unknown, names: Names): boolean {
  if (typeof printed === 'string') return typeof found === 'string' && matches(printed, found, names)
  if (typeof printed !== 'object' || printed === null) return printed === found
  if (typeof found !== 'object' || found === null) return false
  const keys = Object.keys(printed)
  const isSame = keys.length === Object.keys(found).length
  return (
    isSame &&
    keys.every((key) =>
      matchesJson((printed as Record<string, unknown>)[key], (found as Record<string, unknown>)[key], names),
    )
  )
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
