import { createHash, createHmac, hkdfSync } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** Names what is stored: 43 characters of SHA-256 that say nothing about the value behind them. */
export interface Ids {
  session(credential: string): string
  /** Of a session that was found: it will be asked for again. Of what was made up, nothing is remembered. */
  remember(credential: string, id: string): void
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
  /** What diagnostics call a user or a session: tells them apart, and says nothing else. */
  alias(value: string): string
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

  const known = new LRUCache<string, string>({ max: REMEMBERED })
  const user = (openId: string) => hash('user', openId)
  const keyFor = (use: string) => new Uint8Array(hkdfSync('sha256', appSecret, 'koa-weapp-session', use, 32))
  const credentialKey = keyFor('credential')
  const aliasKey = keyFor('diagnostics')

  return {
    owner: (openId, sessionId) => (openId === '' ? hash('guest', sessionId) : user(openId)),
    code: (code) => hash('code', code),
    credential: (code) => createHmac('sha256', credentialKey).update(code).digest('base64url'),
    alias: (value) => createHmac('sha256', aliasKey).update(value).digest('base64url').slice(0, ALIAS_LENGTH),
    user,
    session: (credential) => known.get(credential) ?? hash('session', credential),
    remember(credential, id) {
      if (!known.has(credential)) known.set(credential, id)
    },
  }
}

/** 96 bits. */
const ALIAS_LENGTH = 16

/** Credentials whose hash is remembered: it takes as long as the rest of what is done before the store. */
const REMEMBERED = 20_000
