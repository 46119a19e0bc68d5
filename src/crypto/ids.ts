import { createHmac, hash, hkdfSync } from 'node:crypto'

/** Part of what a session is stored under: which carrier its credential has. */
export type CarrierKind = 'code' | 'header' | 'cookie' | 'jwt'

/** Names what is stored: the first 132 bits of a SHA-256, which say nothing about the value behind them. */
export interface Ids {
  session(credential: string): string
  user(openId: string): string
  /** Of whom a session belongs to: its user, or, without one, a guest who has nothing else. */
  owner(user: { openId: string } | null, sessionId: string): string
  /** Of a code that is no credential. */
  code(code: string): string
  /**
   * The credential of the session that a code begins, where the server makes it: 256 bits that nobody can guess who
   * has not the appSecret. The same whenever and wherever the login is repeated, so it need not be stored.
   */
  credential(code: string): string
  /** What diagnostics call a user or a session: tells them apart, and says nothing else. */
  alias(value: string): string
}

/**
 * Bytes that a client chose never become part of a key, and who can read the store has no live credential. The
 * kind keeps an openId from ever being looked up as a session, and the appId keeps mini programs apart. A session's id
 * names its carrier: what one carrier gave, or let be seen (the `jti` of a token), is nothing at another.
 */
export function createIds(appId: string, appSecret: string, carrier: CarrierKind): Ids {
  // In one call: a third of what the three of createHash() take, on the way of every request.
  const idOf = (kind: string, value: string) =>
    hash('sha256', `${kind}\0${appId}\0${value}`, 'base64url').slice(0, ID_LENGTH)

  const user = (openId: string) => idOf('user', openId)
  const keyFor = (use: string) => new Uint8Array(hkdfSync('sha256', appSecret, 'koa-weapp-session', use, 32))
  const credentialKey = keyFor('credential')
  const aliasKey = keyFor('diagnostics')

  return {
    owner: (whose, sessionId) => (whose ? user(whose.openId) : idOf('guest', sessionId)),
    code: (code) => idOf('code', code),
    credential: (code) => createHmac('sha256', credentialKey).update(code).digest('base64url'),
    alias: (value) => createHmac('sha256', aliasKey).update(value).digest('base64url').slice(0, ALIAS_LENGTH),
    user,
    session: (credential) => idOf(`session:${carrier}`, credential),
  }
}

/** Characters of base64url: as many as nobody can search. Each is stored three times for a session. */
const ID_LENGTH = 22

/** 96 bits. */
const ALIAS_LENGTH = 16
