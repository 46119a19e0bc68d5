import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'

import { headOf } from '../phone/http-client.js'

/** A call of a service from outside. */
export interface PublicCallOptions {
  /** Its name in the environment. */
  service: string
  /** Default `/`. */
  path?: string
  /** Default GET. */
  method?: string
  /** Sent as they are; as a list of names and values, a name can come several times. */
  header?: Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[]
  /** Sent as it is. */
  body?: string | Uint8Array
  /**
   * Whether headers whose names begin with `x-wx-` are taken away. WeChat's pages say that calls from outside carry none of
   * its headers; that forged ones are taken away is implied, and not said. Default false: nothing protects the server.
   */
  stripsForged?: boolean
}

/** The answer to a call from outside. */
export interface PublicCallResult {
  statusCode: number
  /** Names as the server wrote them; what came several times is joined by commas. */
  header: Record<string, string>
  cookies: string[]
  body: string
}

/** Sends a request over a connection of its own. */
export function publicCall(
  url: URL,
  {
    method = 'GET',
    header = {},
    body = '',
    stripsForged = false,
  }: Omit<PublicCallOptions, 'service' | 'path'>,
  signal: AbortSignal,
): Promise<PublicCallResult> {
  const given = Array.isArray(header) ? header : Object.entries(header)
  const sent = given.filter(([name]) => !stripsForged || !name.toLowerCase().startsWith('x-wx-'))
  // A flat list, which Node sends as it is; it then adds neither of these.
  const headers = ['Host', url.host, 'Content-Length', `${Buffer.byteLength(body)}`, ...sent.flat()]
  const connect = url.protocol === 'https:' ? httpsRequest : httpRequest

  return new Promise((resolve, reject) => {
    const request = connect(url, { method, headers, agent: false, signal })
    request.on('error', reject)
    request.on('response', (response) => {
      buffer(response).then((bytes) => resolve({ ...headOf(response), body: bytes.toString() }), reject)
    })
    request.end(body)
  })
}
