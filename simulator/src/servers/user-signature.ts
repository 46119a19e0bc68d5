import { createHmac } from 'node:crypto'
import type { Accounts, User } from './accounts.js'

/** The user whose session_key, as text, signed the empty string; or an errcode. */
export function signingUser(query: URLSearchParams, accounts: Accounts): User | number {
  const user = accounts.byOpenId(query.get('openid') ?? '')
  if (user === undefined) return 40003
  if (query.get('sig_method') !== 'hmac_sha256') return 87008

  const sessionKey = accounts.validSessionKey(user)
  if (sessionKey === undefined) return 87009
  const signature = createHmac('sha256', sessionKey).update('').digest('hex')
  return query.get('signature')?.toLowerCase() === signature ? user : 87009
}
