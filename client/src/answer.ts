import { LOGIN_HEADER, LOGIN_REQUIRED, SESSION_HEADER, TOKEN_HEADER } from '../../src/protocol.js'
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

/** The value of a header. WeChat gives header names as they were sent, or in lower case over HTTP/2. */
export function headerOf(header: Record<string, unknown> = {}, name: string): unknown {
  const key = Object.keys(header).find((key) => key.toLowerCase() === name.toLowerCase())
  return key && header[key]
}

/** The header that later requests carry as their session, if an answer brings one. */
export function credentialIn({ header }: Head): Header | undefined {
  const id = headerOf(header, SESSION_HEADER)
  const token = headerOf(header, TOKEN_HEADER)
  if (id) return { [SESSION_HEADER]: String(id) }
  return token ? { Authorization: `Bearer ${token}` } : undefined
}

/** Whether the server says that the session has ended after a handler began: the next request has to log in. */
export function requiresLogin({ header }: Head): boolean {
  return headerOf(header, LOGIN_HEADER) === LOGIN_REQUIRED
}
