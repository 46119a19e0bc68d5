import { isObject } from '../../util/json.js'
import { isRecord, refusalFrom } from '../shape.js'
import type { Entry, RememberedRefusal, SessionRecord } from '../store.js'

/** What is written under the id of a session or of a login code. */
export type Written =
  | { state: 'session'; record: SessionRecord }
  /** The session is being made into another, with the id `successor`. `at`: as a claim's `began`. */
  | { state: 'taken'; token: string; successor: string; record: SessionRecord; at: number }
  /** `at`: Unix ms. */
  | { state: 'claimed'; token: string; at: number }
  | { state: 'refused'; refusal: RememberedRefusal }
  | { state: 'used' }
  /** `successor`: the id that has to end too, a successor or the session that was put back. */
  | { state: 'ended'; successor?: string }

/** The same in the words of the store: without what has expired, and with ages. */
export function entryOf(written: Written | undefined): Entry | undefined {
  if (written?.state === 'session') return written.record.expires > Date.now() ? written : { state: 'ended' }
  if (written?.state === 'claimed')
    return { state: 'claimed', age: Math.max(0, Date.now() - written.at), token: written.token }
  if (written?.state === 'refused') return { state: 'refused', refusal: refusalFrom(written.refusal) }
  if (written?.state === 'taken') {
    const { token, successor, record, at } = written
    if (record.expires <= Date.now()) return { state: 'ended' }
    return { state: 'taken', token, successor, record, age: Math.max(0, Date.now() - at) }
  }
  return written
}

/** An ended session. `linked`: the id that has to end too, if there is one. */
export function endedWith(linked: string | undefined): Written {
  return linked === undefined ? { state: 'ended' } : { state: 'ended', successor: linked }
}

/** The id that has to end together with what stands here. */
export function linkOf(written: Written | undefined): string | undefined {
  return written?.state === 'taken' || written?.state === 'ended' ? written.successor : undefined
}

/** Whether there is a live session that ends before `expires`. */
export function endsBefore(
  written: Written | undefined,
  expires: number,
): written is Extract<Written, { state: 'session' }> {
  if (written?.state !== 'session') return false
  return written.record.expires > Date.now() && written.record.expires < expires
}

/** Whether an entry has a shape that this package writes. Others may write to the store, or damage it. */
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
