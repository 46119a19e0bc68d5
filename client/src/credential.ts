import { SESSION_HEADER, TOKEN_HEADER } from '../../src/protocol.js'
import { type Head, headerOf } from './refusal.js'
import type { Header } from './wx.js'

/** The header that requests carry as their session, where an answer gives one. */
export function credentialIn({ header }: Head = {}): Header | undefined {
  const id = headerOf(header, SESSION_HEADER)
  const token = headerOf(header, TOKEN_HEADER)
  if (id) return { [SESSION_HEADER]: String(id) }
  return token ? { Authorization: `Bearer ${token}` } : undefined
}
