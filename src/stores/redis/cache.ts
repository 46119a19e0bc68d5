import { LRUCache } from 'lru-cache'
import { diagnostics } from '../../diagnostics.js'
import { checkOptions, optionError } from '../../util/option-error.js'
import type { SessionRecord } from '../store.js'

/** Options of the memory that `redisStore({ cache })` keeps sessions in. */
export interface RedisCacheOptions {
  /** Seconds after which a session is read again, even if Redis has told of no change. Default 10. */
  maxAge?: number
  /** How many sessions are kept: about 1 KB each. Default 10,000. */
  max?: number
}

/** Sessions of Redis in the memory of this process, until somebody changes them. */
export interface RedisCache {
  /** A session that is kept here and still valid. */
  peek(id: string): SessionRecord | undefined
  /**
   * Whether a recent read has found this session. Only then is it kept here, and by the connection that hears of
   * changes: made-up ids use no memory, neither here nor in Redis.
   */
  wasReadLately(id: string): boolean
  /** Notes what a read has found whose result is not kept. */
  noteRead(id: string, record: SessionRecord | undefined): void
  /** Whether a read whose result is kept has waited for more than so many ms. Others then use another connection. */
  isStuck(ms: number): boolean
  /**
   * Begins a read whose result is kept, unless the session changes meanwhile:
   *
   *     begin() ── read is sent ── forget() ── found(): not kept
   */
  begin(id: string): Reading
  /** This session has changed; without an id, any of them may have. */
  forget(id?: string): void
}

interface Reading {
  /** By this process's monotonic clock: ms. */
  readonly began: number
  found(record: SessionRecord | undefined): void
}

interface Kept {
  record: SessionRecord
  /** By this process's monotonic clock: ms. */
  until: number
}

const channel = diagnostics('cache')

export function redisCache(options: true | RedisCacheOptions): RedisCache {
  const { maxAge, max } = resolveOptions(options)
  const kept = new LRUCache<string, Kept>({ max })
  const recent = new LRUCache<string, true>({ max: 2 * max })
  /** The latest read of each session, as long as it is under way. The oldest comes first. */
  const readings = new Map<string, Reading>()

  return { peek: peekAndTell, wasReadLately: (id) => recent.has(id), noteRead, isStuck, begin, forget }

  function peekAndTell(id: string): SessionRecord | undefined {
    const record = peek(id)
    if (channel.hasSubscribers) channel.publish({ isHit: record !== undefined })
    return record
  }

  function peek(id: string): SessionRecord | undefined {
    // `LRUCache.peek()` does not update the order of use, which is faster. So the oldest make room.
    const entry = kept.peek(id)
    if (!entry) return undefined
    if (performance.now() < entry.until && Date.now() < entry.record.expires) return entry.record
    kept.delete(id)
    return undefined
  }

  function noteRead(id: string, record: SessionRecord | undefined): void {
    if (record) recent.set(id, true)
    else recent.delete(id)
  }

  function isStuck(ms: number): boolean {
    const [oldest] = readings.values()
    return oldest !== undefined && performance.now() - oldest.began > ms
  }

  function begin(id: string): Reading {
    const began = performance.now()
    const reading: Reading = {
      began,
      found(record) {
        noteRead(id, record)
        // If a change has arrived after the reply and before this call, the record is old already.
        if (readings.get(id) !== reading) return
        readings.delete(id)
        if (record) kept.set(id, { record, until: began + maxAge * 1000 })
      },
    }
    // Deleted first, so that it goes to the end.
    readings.delete(id)
    readings.set(id, reading)
    return reading
  }

  function forget(id?: string): void {
    if (id === undefined) {
      kept.clear()
      readings.clear()
    } else {
      kept.delete(id)
      readings.delete(id)
    }
  }
}

function resolveOptions(options: true | RedisCacheOptions): Required<RedisCacheOptions> {
  if (options !== true) checkOptions('redisStore({ cache })', options, ['maxAge', 'max'])
  const { maxAge = 10, max = 10_000 } = options === true ? {} : options
  if (!Number.isFinite(maxAge) || maxAge <= 0)
    throw optionError('redisStore({ cache: { maxAge } }) must be a positive number of seconds')
  if (!Number.isSafeInteger(max) || max < 1)
    throw optionError('redisStore({ cache: { max } }) must be a whole number of sessions')
  return { maxAge, max }
}
