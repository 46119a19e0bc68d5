import { createHash } from 'node:crypto'

/** Names what is stored: 43 characters of SHA-256 that say nothing about the value behind them. */
export interface Ids {
  session(credential: string): string
  user(openId: string): string
}

/**
 * Bytes that a client chose never become part of a key, and who can read the store has no live credential. The
 * kind keeps an openId from ever being looked up as a session, and the appId keeps mini programs apart.
 * Sessions whose signature nobody checked live under a prefix of their own.
 */
export function idsOf(appId: string, isDev: boolean): Ids {
  const prefix = isDev ? 'dev:' : ''
  const hash = (kind: string, value: string) =>
    prefix + createHash('sha256').update(`${kind}\0${appId}\0${value}`).digest('base64url')

  return {
    session: (credential) => hash('session', credential),
    user: (openId) => hash('user', openId),
  }
}
