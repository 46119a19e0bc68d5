import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

import type { HeadersReceived } from './wx.js'

const MAX_REDIRECTS = 5

/** A request as it goes over the wire. */
export interface Message {
  method: string
  url: URL
  headers: Record<string, string>
  body: Uint8Array | undefined
  followsRedirects: boolean
}

/** What becomes of a message: one head and its chunks, then an end or an error. */
export interface Receiver {
  onHead(head: HeadersReceived): void
  onChunk(chunk: Uint8Array): void
  onEnd(): void
  onError(error: NodeJS.ErrnoException): void
}

/**
 * Sends a message, over a connection of its own: a phone that kept connections could meet a server that
 * closes an idle one just then. Returns a function that cuts it; the receiver then hears no more.
 *
 * @throws {TypeError} when Node refuses to send a header.
 */
export function exchange(message: Message, receiver: Receiver): () => void {
  let isCut = false
  let request = open(message.url, 0)

  return () => {
    isCut = true
    request.destroy()
  }

  function open(url: URL, redirects: number): ClientRequest {
    const connect = url.protocol === 'https:' ? httpsRequest : httpRequest
    const { method, headers, body } = message
    const opened = connect(url, { method, headers, agent: false })
    opened.on('response', (response) => receive(response, url, redirects))
    opened.on('error', fail)
    opened.end(body)
    return opened
  }

  function receive(response: IncomingMessage, url: URL, redirects: number): void {
    const { location } = response.headers
    if (message.followsRedirects && location !== undefined && isRedirect(response.statusCode)) {
      response.destroy()
      follow(location, url, redirects + 1)
      return
    }

    receiver.onHead(headOf(response))
    response.on('data', (chunk: Uint8Array) => isCut || receiver.onChunk(chunk))
    response.on('end', () => isCut || receiver.onEnd())
    response.on('error', fail)
  }

  function follow(location: string, from: URL, redirects: number): void {
    try {
      if (redirects > MAX_REDIRECTS) throw tooManyRedirects()
      if (!isCut) request = open(new URL(location, from), redirects)
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  function fail(error: NodeJS.ErrnoException): void {
    if (!isCut) receiver.onError(error)
  }
}

function tooManyRedirects(): NodeJS.ErrnoException {
  return Object.assign(new Error('too many redirects'), { code: 'ERR_FR_TOO_MANY_REDIRECTS' })
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && [301, 302, 303, 307, 308].includes(status)
}

/**
 * The headers as WeChat shows those of an HTTP/1.1 server: in the server's case, and what came several
 * times joined by commas, `Set-Cookie` too (github.com/NervJS/taro/issues/1061).
 */
export function headOf({ statusCode = 0, rawHeaders }: IncomingMessage): HeadersReceived {
  const header = new Map<string, { name: string; values: string[] }>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = rawHeaders.slice(i)
    const entry = header.get(name.toLowerCase()) ?? { name, values: [] }
    entry.values.push(value)
    header.set(name.toLowerCase(), entry)
  }
  return {
    statusCode,
    header: Object.fromEntries([...header.values()].map(({ name, values }) => [name, values.join(',')])),
    cookies: header.get('set-cookie')?.values ?? [],
  }
}
