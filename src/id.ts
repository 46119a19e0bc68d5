import { createHash, createHmac, hkdfSync } from 'node:crypto'

/** Names what is stored: 43 characters of SHA-256 that say nothing about the value behind them. */
export interface Ids {
  session(credential: string): string
  user(openId: string): string
  /** Of whom a session belongs to: its user, or, without one, a guest who has nothing else. */
  owner(openId: string, sessionId: string): string
  /** Of a code that is no credential. */
  code(code: string): string
  /**
   * The credential of the session that a code begins, where the server makes it: 256 bits that nobody can guess who
   * has not the appSecret. The same whenever and wherever the login is repeated, so it need not be stored.
   */
  credential(code: string): string
}

/**
 * Bytes that a client chose never become part of a key, and who can read the store has no live credential. The
 * kind keeps an openId from ever being looked up as a session, and the appId keeps mini programs apart.
 * Sessions whose signature nobody checked live under a prefix of their own.
 */
export function idsOf(appId: string, appSecret: string, isDev: boolean): Ids {
  const prefix = isDev ? 'dev:' : ''
  const hash = (kind: string, value: string) =>
    prefix + createHash('sha256').update(`${kind}\0${appId}\0${value}`).digest('base64url')

  const key = new Uint8Array(hkdfSync('sha256', appSecret, 'koa-weapp-session', 'credential', 32))

  return {
    owner: (openId, sessionId) => (openId === '' ? hash('guest', sessionId) : hash('user', openId)),
    code: (code) => hash('code', code),
    credential: (code) => createHmac('sha256', key).update(code).digest('base64url'),
    session: (credential) => hash('session', credential),
    user: (openId) => hash('user', openId),
  }
}
