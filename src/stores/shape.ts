/**
 * Checks of what a database returns. Another version of this package, another program or a person may have written it.
 * A value of another shape counts as not ours: it is no error for the request that reads it, and never reaches a
 * handler.
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

/**
 * A refusal, without numbers that cannot be sent in a status line or a header. Whatever is stored, the result is a
 * refusal, because the code is spent.
 */
export function refusalFrom(value: unknown): RememberedRefusal {
  const { status, errcode, retryAfter } = isObject(value) ? value : ({} as Record<string, unknown>)
  const refusal: RememberedRefusal = { status: isWithin(400, status, 599) ? status : 401 }
  if (Number.isSafeInteger(errcode)) refusal.errcode = errcode as number
  if (isWithin(0, retryAfter, 86_400)) refusal.retryAfter = retryAfter
  return refusal
}

/** The same, from JSON. */
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
