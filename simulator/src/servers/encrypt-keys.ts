import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.js'
import type { User } from './accounts.js'

/** Milliseconds that a key lives: developers.weixin.qq.com/miniprogram/dev/framework/open-ability/user-encryptkey.html */
const LIFE = 3600_000

/** So many keys are kept (same page). */
const KEPT = 3

/** A key that a user's phones and the mini program's server can both ask for. */
export interface EncryptKey {
  /** Base64 of 16 bytes. */
  readonly encryptKey: string
  /** 16 hex digits. */
  readonly iv: string
  readonly version: number
  /** ms since 1970. */
  readonly createdAt: number
  readonly expiresAt: number
}

/** The keys of all users, for as long as WeChat keeps them. */
export interface EncryptKeys {
  /** The key that a phone gets: a new one when there is none that lives. */
  latest(user: User): EncryptKey
  /** The last three, the newest first. */
  list(user: User): readonly EncryptKey[]
}

export function createEncryptKeys({
  clock,
  keep,
}: {
  clock: Clock
  keep: (secret: string) => void
}): EncryptKeys {
  const byUser = new Map<User, EncryptKey[]>()

  return { latest, list: (user) => byUser.get(user) ?? [] }

  function latest(user: User): EncryptKey {
    const keys = byUser.get(user) ?? []
    const [newest] = keys
    if (newest !== undefined && clock.now() < newest.expiresAt) return newest

    const made: EncryptKey = {
      encryptKey: randomBytes(16).toString('base64'),
      iv: randomBytes(8).toString('hex'),
      version: (newest?.version ?? 0) + 1,
      createdAt: clock.now(),
      expiresAt: clock.now() + LIFE,
    }
    keep(made.encryptKey)
    byUser.set(user, [made, ...keys].slice(0, KEPT))
    return made
  }
}
