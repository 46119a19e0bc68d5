import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import { createGuesses } from './guesses.js'

/** What was found out about a phone number and a password. */
export type Verdict = { accountId: string } | 'wrong' | { retryAfter: number }

/** The accounts of the application, and which WeChat user has bound which. */
export interface Accounts {
  add(phone: string, password: string): Promise<string>
  /** Five wrong attempts in a quarter of an hour, for a phone number or by a WeChat user, and there are no more. */
  check(attempt: { phone: string; password: string; openId: string }): Promise<Verdict>
  /** Which account a WeChat user has bound. */
  boundTo(openId: string): Promise<string | undefined>
  /** `false`, and nothing bound, when either of them is bound already. In one step: two at once cannot both. */
  bind(openId: string, accountId: string): Promise<boolean>
  unbind(openId: string): Promise<void>
}

interface Account {
  id: string
  salt: Buffer
  hash: Buffer
}

/**
 * Maps, where you have a database that all processes share: a table of accounts with `phone` unique, a table of
 * bindings with `openId` and `accountId` unique each, and counters that expire.
 *
 * Who knows a phone number can keep its owner from binding, a quarter of an hour at a time. They cannot log anybody
 * out: whoever has bound needs no password any more.
 */
export function createAccounts(): Accounts {
  const accounts = new Map<string, Account>()
  const bindings = new Map<string, string>()
  const guesses = createGuesses({ max: 5, window: 15 * 60_000 })
  // Checked where there is no account: so that the time an answer takes does not tell who has one.
  const nobody: Account = { id: '', salt: randomBytes(16), hash: randomBytes(HASH_BYTES) }

  return {
    async add(phone, password) {
      const id = randomUUID()
      const salt = randomBytes(16)
      accounts.set(phone, { id, salt, hash: await hashOf(password, salt) })
      return id
    },

    async check({ phone, password, openId }) {
      const keys = [`phone ${phone}`, `user ${openId}`]
      const retryAfter = guesses.take(keys)
      if (retryAfter > 0) return { retryAfter }

      const { id, salt, hash } = accounts.get(phone) ?? nobody
      const isRight = timingSafeEqual(await hashOf(password, salt), hash)
      if (!isRight || id === '') return 'wrong'
      guesses.giveBack(keys)
      return { accountId: id }
    },

    async boundTo(openId) {
      return bindings.get(openId)
    },

    async bind(openId, accountId) {
      if (bindings.has(openId) || [...bindings.values()].includes(accountId)) return false
      bindings.set(openId, accountId)
      return true
    },

    async unbind(openId) {
      bindings.delete(openId)
    },
  }
}

const HASH_BYTES = 32

/** https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt */
const COST = { N: 2 ** 14, r: 8, p: 5 }

function hashOf(password: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize(), salt, HASH_BYTES, COST, (error, hash) =>
      error ? reject(error) : resolve(hash),
    )
  })
}
