import { PREFIX, PREFIX_2016 } from '../../src/protocol.js'
import { textOf } from './util.js'
import type { Header } from './wx.js'

/** What is known of an answer when it begins. */
export interface Head {
  statusCode?: number
  header?: Record<string, unknown> | null | undefined
  /** Each `Set-Cookie`, where `wx` has them apart. */
  cookies?: unknown
}

/** What a refusal can be read from. */
export interface Answer extends Head {
  statusCode: number
  data?: unknown
}

/**
 * The names that are read here, after the prefix of either family: as `headerNames()` of the protocol has them, whose
 * two objects of ten names would be a hundredth of this client.
 */
type Name = 'Login' | 'Session' | 'Token' | 'Session-Error'

/** The value of a header. WeChat gives header names as they were sent, or in lower case over HTTP/2. */
export function headerOf(header: Head['header'], name: string): unknown {
  const values = Object(header) as Record<string, unknown>
  return values[
    Object.keys(values).find((key) => values[key] && key.toLowerCase() === name.toLowerCase()) as string
  ]
}

/** The value of a header of this protocol, under either of its names. A host may have several in a list, or joined. */
export function ourHeader({ header }: Head, name: Name): string {
  // What is in a list comes first in it. What is no text says nothing.
  const [value] = ([] as unknown[]).concat(
    headerOf(header, PREFIX + name) || headerOf(header, PREFIX_2016 + name),
  )
  return textOf(value).split(',')[0] as string
}

/** The header that later requests carry as their session, if an answer brings one. */
export function credentialIn(head: Head, prefix: string): Header | undefined {
  const id = ourHeader(head, 'Session')
  const token = ourHeader(head, 'Token')
  if (id) return { [`${prefix}Session`]: id }
  return token ? { Authorization: `Bearer ${token}` } : undefined
}

/** What the session server says of the login: that it has accepted it, or that the next request has to log in. */
export function loginWord(head: Head): string {
  return ourHeader(head, 'Login')
}
