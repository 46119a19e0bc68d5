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
  /** Every token that was issued, also those that are over, for {@link Tokens.restore}. */
  saved(): SavedToken[]
  restore(saved: readonly SavedToken[]): void
  /** From now on no token that was issued is good any more. */
  revokeAll(): void
}

/** An access_token as it is kept in a file. */
export interface SavedToken {
  token: string
  /** The endpoint that issued it; `authorizer_token`: for a third-party platform. */
  kind: 'token' | 'stable_token' | 'authorizer_token'
  /** ms since 1970, by the simulator's clock. */
  expiresAt: number
  isReplaced: boolean
}

/**
 * The access_tokens of the mini program. The two endpoints do not displace each other's tokens:
 * developers.weixin.qq.com/doc/subscription/api/base/api_getstableaccesstoken.html
 *
 * `forceInterval`: ms that have to pass between two forced refreshes; an earlier one refreshes nothing (same page).
 */
export function createTokens(options: {
  clock: Clock
  keep: (secret: string) => void
  forceInterval?: number
}): Tokens {
  const { clock, keep, forceInterval = 0 } = options
  const entries = new Map<string, Entry>()
  let plain: Entry | undefined
  let stable: Entry | undefined
  let forcedAt = Number.NEGATIVE_INFINITY

  return {
    issue() {
      replace(plain, OVERLAP)
      plain = add('token')
      return body(plain)
    },

    stable(wantsRefresh) {
      const forceRefresh = wantsRefresh && clock.now() - forcedAt >= forceInterval
      if (forceRefresh) forcedAt = clock.now()
      // Renewed while five minutes are left, so that `expires_in` is never less than 300.
      const isFresh = stable !== undefined && stable.expiresAt - clock.now() > OVERLAP
      if (stable === undefined || !isFresh || forceRefresh) {
        replace(stable, forceRefresh ? 0 : OVERLAP)
        stable = add('stable_token')
      }
      return body(stable)
    },

    authorizer: () => body(add('authorizer_token')),

    check(token) {
      if (token === null || token === '') return 41001
      const entry = entries.get(token)
      if (entry === undefined) return 40001
      if (clock.now() < entry.expiresAt) return 0
      return entry.isReplaced ? 40001 : 42001
    },

    saved: () => [...entries.values()],

    restore(saved) {
      for (const { token, kind, expiresAt, isReplaced } of saved) {
        const entry = { token, kind, expiresAt, isReplaced }
        entries.set(token, entry)
        keep(token)
        if (isReplaced) continue
        if (kind === 'token') plain = entry
        if (kind === 'stable_token') stable = entry
      }
    },

    revokeAll() {
      for (const entry of entries.values()) {
        entry.isReplaced = true
        entry.expiresAt = 0
      }
      plain = undefined
      stable = undefined
    },
  }

  function add(kind: SavedToken['kind']): Entry {
    const entry = { token: randomAccessToken(), kind, expiresAt: clock.now() + LIFE, isReplaced: false }
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

type Entry = SavedToken
