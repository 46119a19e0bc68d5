import type { Clock } from '../clock.js'
import { randomAccessToken } from './ids.js'

/** An access_token is good for two hours; one that is replaced, for five more minutes. */
const LIFE = 7200_000
const OVERLAP = 5 * 60_000

/** What is wrong with an access_token, as an errcode; 0 when it is good. */
export type TokenState = 0 | 40001 | 41001 | 42001

/** The body of both token endpoints; `expires_in` in seconds. */
export type TokenBody = { access_token: string; expires_in: number }

export interface Tokens {
  /** `GET /cgi-bin/token`: always a new token. */
  issue(): TokenBody
  /** `POST /cgi-bin/stable_token`: the same token until it is nearly over, or until forced. */
  stable(forceRefresh: boolean): TokenBody
  /** A token of a third-party platform, which displaces none. */
  authorizer(): TokenBody
  check(token: string | null): TokenState
}

/**
 * The access_tokens of the mini program. The two endpoints do not displace each other's tokens:
 * developers.weixin.qq.com/doc/subscription/api/base/api_getstableaccesstoken.html
 */
export function createTokens({ clock, keep }: { clock: Clock; keep: (secret: string) => void }): Tokens {
  const entries = new Map<string, Entry>()
  let plain: Entry | undefined
  let stable: Entry | undefined

  return {
    issue() {
      replace(plain, OVERLAP)
      plain = add()
      return body(plain)
    },

    stable(forceRefresh) {
      // Renewed while five minutes are left, so that `expires_in` is never less than 300.
      const isFresh = stable !== undefined && stable.expiresAt - clock.now() > OVERLAP
      if (stable === undefined || !isFresh || forceRefresh) {
        replace(stable, forceRefresh ? 0 : OVERLAP)
        stable = add()
      }
      return body(stable)
    },

    authorizer: () => body(add()),

    check(token) {
      if (token === null || token === '') return 41001
      const entry = entries.get(token)
      if (entry === undefined) return 40001
      if (clock.now() < entry.expiresAt) return 0
      return entry.isReplaced ? 40001 : 42001
    },
  }

  function add(): Entry {
    const entry = { token: randomAccessToken(), expiresAt: clock.now() + LIFE, isReplaced: false }
    entries.set(entry.token, entry)
    keep(entry.token)
    return entry
  }

  function replace(entry: Entry | undefined, overlap: number): void {
    if (entry === undefined) return
    entry.isReplaced = true
    entry.expiresAt = Math.min(entry.expiresAt, clock.now() + overlap)
  }

  function body({ token, expiresAt }: Entry): TokenBody {
    return { access_token: token, expires_in: Math.round((expiresAt - clock.now()) / 1000) }
  }
}

interface Entry {
  readonly token: string
  expiresAt: number
  isReplaced: boolean
}
