import { isObject } from '../../util/json.js'
import { isRecord, refusalFrom } from '../shape.js'
import type { Entry, RememberedRefusal, SessionRecord } from '../store.js'

/** What is written under the id of a session or of a login code. */
export type Written =
  | { state: 'session'; record: SessionRecord }
  /** The session is being made into another, `successor`. `at`: as a claim's `began`. */
  | { state: 'taken'; token: string; successor: string; record: SessionRecord; at: number }
  /** `at`: Unix ms. */
  | { state: 'claimed'; token: string; at: number }
  | { state: 'refused'; refusal: RememberedRefusal }
  | { state: 'used' }
  /** `successor`: the id of what has become of it. */
  | { state: 'ended'; successor?: string }

export function entryOf(written: Written | undefined): Entry | undefined {
  if (written?.state === 'session') return written.record.expires > Date.now() ? written : { state: 'ended' }
  if (written?.state === 'claimed')
    return { state: 'claimed', age: Math.max(0, Date.now() - written.at), token: written.token }
  if (written?.state === 'refused') return { state: 'refused', refusal: refusalFrom(written.refusal) }
  if (written?.state === 'ended') return { state: 'ended' }
  if (written?.state === 'taken') {
    const { token, successor, record, at } = written
    if (record.expires <= Date.now()) return { state: 'ended' }
    return { state: 'taken', token, successor, record, age: Math.max(0, Date.now() - at) }
  }
  return written
}

/** A session is over, and has become another, where there is one. */
export function endedWith(successor: string | undefined): Written {
  return successor === undefined ? { state: 'ended' } : { state: 'ended', successor }
}

/** The id of what a session has become, or is to become. */
export function successorOf(written: Written | undefined): string | undefined {
  return written?.state === 'taken' || written?.state === 'ended' ? written.successor : undefined
}

/** A store that was damaged, or written to by others, must not make us fall over. */
export function isWritten(value: unknown): value is Written {
  if (!isObject(value)) return false
  if (value.state === 'session') return isRecord(value.record)
  if (value.state === 'taken') return isRecord(value.record) && isText(value.token) && isText(value.successor)
  if (value.state === 'claimed') return isText(value.token) && typeof value.at === 'number'
  if (value.state === 'refused') return isObject(value.refusal) && typeof value.refusal.status === 'number'
  if (value.state === 'ended') return value.successor === undefined || isText(value.successor)
  return value.state === 'used'
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
