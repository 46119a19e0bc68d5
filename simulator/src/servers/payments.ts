import { randomInt } from 'node:crypto'
import type { Clock } from '../clock.js'
import type { User } from './accounts.js'

/** A payment tells the unionid for five minutes: api_getpaidunionid. */
const LIFE = 5 * 60_000

/** Payments of users, as far as `getpaidunionid` knows them. */
export interface Payments {
  /** The user pays. Returns the transaction_id, of 28 digits. */
  pay(user: User): string
  /** Whether the user paid lately: with this transaction_id, or with any when it is `undefined`. */
  paidLately(user: User, transactionId: string | undefined): boolean
}

export function createPayments(clock: Clock): Payments {
  const payments = new Map<string, { user: User; at: number }>()

  return {
    pay(user) {
      const digits = Array.from({ length: 24 }, () => randomInt(10)).join('')
      const transactionId = `4200${digits}`
      payments.set(transactionId, { user, at: clock.now() })
      return transactionId
    },

    paidLately(user, transactionId) {
      return [...payments].some(([id, payment]) => {
        const isAsked = transactionId === undefined || id === transactionId
        return isAsked && payment.user === user && clock.now() - payment.at < LIFE
      })
    },
  }
}
