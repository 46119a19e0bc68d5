/**
 * What stands in a database is whatever somebody has put there: another version of this, another program, a hand. What is
 * not of the shape that we write is none of ours, and must neither become an error of every request that meets it, nor
 * reach a handler.
 */
import { isObject } from '../util/json.js'
import type { RememberedRefusal, SessionRecord } from './store.js'

export function isRecord(value: unknown): value is SessionRecord {
  if (!isObject(value)) return false
  const { appId, user, key, data, created, expires, rev, failures = 0 } = value
  const isSomebody = isObject(user) && typeof user.openId === 'string'
  const areTexts = typeof appId === 'string' && typeof key === 'string'
  const areTimes = Number.isFinite(created) && Number.isFinite(expires)
  const areNumbers = areTimes && Number.isFinite(rev) && Number.isFinite(failures)
  return areTexts && areNumbers && isObject(data) && (isSomebody || user === null)
}

/** A refusal as it can be answered: without what cannot stand in a status line or a header. A code is spent even so. */
export function refusalFrom(value: unknown): RememberedRefusal {
  const { status, errcode, retryAfter } = isObject(value) ? value : ({} as Record<string, unknown>)
  const refusal: RememberedRefusal = { status: isWithin(400, status, 599) ? status : 401 }
  if (Number.isSafeInteger(errcode)) refusal.errcode = errcode as number
  if (isWithin(0, retryAfter, 86_400)) refusal.retryAfter = retryAfter
  return refusal
}

/** The same, of a text. */
export function parseRefusal(json: string): RememberedRefusal {
  try {
    return refusalFrom(JSON.parse(json))
  } catch {
    return refusalFrom(undefined)
  }
}

function isWithin(least: number, value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
}
