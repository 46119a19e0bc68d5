import type { Clock } from '../clock.js'
import type { User } from './accounts.js'
import { isCode, randomCode } from './ids.js'

/** Codes live five minutes: developers.weixin.qq.com/miniprogram/dev/api/open-api/login/wx.login.html */
const CODE_LIFE = 5 * 60_000

/** One kind of code: those of `wx.login()`, or those of the phone-number button. */
export interface Codes {
  /** A new code. It leaves the user's earlier codes as they are. */
  issue(user: User): string
  /** Uses the code up, and says whose it was. */
  redeem(code: string): User | 'invalid' | 'used'
  /** The user's codes are good for nothing any more. */
  revoke(user: User): void
}

/**
 * Codes that work once. An attempt that fails uses the code up as well: the first one is told that the
 * code is invalid, the next that it has been used, as developers report of WeChat.
 */
export function createCodes({ clock, keep }: { clock: Clock; keep: (secret: string) => void }): Codes {
  const entries = new Map<string, { user?: User; expiresAt: number; used: boolean }>()

  return {
    issue(user) {
      const code = randomCode()
      entries.set(code, { user, expiresAt: clock.now() + CODE_LIFE, used: false })
      keep(code)
      return code
    },

    redeem(code) {
      const entry = entries.get(code)
      if (entry === undefined) {
        // It may be a code of another mini program, which is used up all the same.
        if (isCode(code)) entries.set(code, { expiresAt: 0, used: true })
        return 'invalid'
      }
      if (entry.used) return 'used'

      entry.used = true
      return entry.user !== undefined && clock.now() < entry.expiresAt ? entry.user : 'invalid'
    },

    revoke(user) {
      for (const entry of entries.values()) if (entry.user === user) entry.expiresAt = 0
    },
  }
}
