import {
  type HeaderNames,
  headerNames,
  LOGIN_ACCEPTED,
  LOGIN_REQUIRED,
  PREFIX,
  PREFIX_2016,
} from '../../src/protocol.js'
import type { Header } from './wx.js'

/** What is known of an answer when it begins. */
export interface Head {
  statusCode?: number
  header?: Record<string, unknown> | undefined
  /** Each `Set-Cookie`, where `wx` has them apart. */
  cookies?: string[] | undefined
}

/** What a refusal can be read from. */
export interface Answer extends Head {
  statusCode: number
  data?: unknown
}

const FAMILIES = [headerNames(PREFIX), headerNames(PREFIX_2016)]

/** The value of a header. WeChat gives header names as they were sent, or in lower case over HTTP/2. */
export function headerOf(header: Record<string, unknown> = {}, name: string): unknown {
  const key = Object.keys(header).find((key) => header[key] && key.toLowerCase() === name.toLowerCase())
  return key && header[key]
}

/** The value of a header of this protocol, under either of its names. */
export function ourHeader({ header }: Head, name: keyof HeaderNames): unknown {
  return FAMILIES.map((names) => headerOf(header, names[name])).find(Boolean)
}

/** The header that later requests carry as their session, if an answer brings one. */
export function credentialIn(head: Head, names: HeaderNames): Header | undefined {
  const id = ourHeader(head, 'session')
  const token = ourHeader(head, 'token')
  if (id) return { [names.session]: String(id) }
  return token ? { Authorization: `Bearer ${token}` } : undefined
}

/** The word: the session server says that it has accepted the login of the request. */
export function acceptsLogin(head: Head): boolean {
  return ourHeader(head, 'login') === LOGIN_ACCEPTED
}

/** Whether the server says that the next request has to log in: the session has ended, or is a guest's. */
export function requiresLogin(head: Head): boolean {
  return ourHeader(head, 'login') === LOGIN_REQUIRED
}
