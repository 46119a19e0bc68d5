import { LRUCache } from 'lru-cache'
import { diagnostics } from '../../diagnostics.js'
import { checkOptions, optionError } from '../../util/option-error.js'
import type { SessionRecord } from '../store.js'

/** Options of the memory that `redisStore({ cache })` keeps sessions in. */
export interface RedisCacheOptions {
  /** Seconds after which a session is read again, whatever was heard of it. Default 10. */
  maxAge?: number
  /** How many sessions are kept: about 1 KB each. Default 10,000. */
  max?: number
}

/** Sessions of Redis in this process's memory, for as long as nobody has changed them. */
export interface RedisCache {
  /** A session that is here, and good. */
  peek(id: string): SessionRecord | undefined
  /**
   * Whether a session has been there lately, so that it is worth a place. Ids that are made up get none: not here,
   * and not in what Redis remembers of our reads.
   */
  isKnown(id: string): boolean
  /** What a read that nobody keeps an eye on has found. */
  noticed(id: string, record: SessionRecord | undefined): void
  /** Whether such a read has had no answer for so many ms: then others need not wait for the same connection. */
  isStuck(ms: number): boolean
  /** A read begins whose changes we hear of. What it finds is kept if there was none meanwhile. */
  begin(id: string): Reading
  /** This session has changed, or any of them may have. */
  forget(id?: string): void
}

export interface Reading {
  /** By the process's own clock: ms. */
  readonly began: number
  found(record: SessionRecord | undefined): void
}

interface Kept {
  record: SessionRecord
  /** By the process's own clock, which never jumps: ms. */
  until: number
}

const channel = diagnostics('cache')

export function redisCache(options: true | RedisCacheOptions): RedisCache {
  const { maxAge, max } = resolveOptions(options)
  const kept = new LRUCache<string, Kept>({ max })
  const known = new LRUCache<string, true>({ max: 2 * max })
  /** The latest read of a session that is under way. */
  const readings = new Map<string, Reading>()

  return { peek: peekAndTell, isKnown: (id) => known.has(id), noticed, isStuck, begin, forget }

  function peekAndTell(id: string): SessionRecord | undefined {
    const record = peek(id)
    if (channel.hasSubscribers) channel.publish({ isHit: record !== undefined })
    return record
  }

  function peek(id: string): SessionRecord | undefined {
    // `peek()` leaves the order of use as it is, which is faster: the oldest make room.
    const entry = kept.peek(id)
    if (!entry) return undefined
    if (performance.now() < entry.until && Date.now() < entry.record.expires) return entry.record
    kept.delete(id)
    return undefined
  }

  function noticed(id: string, record: SessionRecord | undefined): void {
    if (record) known.set(id, true)
    else known.delete(id)
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
        noticed(id, record)
        // The reply comes first and a change right after it, before this is called: then it is old already.
        if (readings.get(id) !== reading) return
        readings.delete(id)
        if (record) kept.set(id, { record, until: began + maxAge * 1000 })
      },
    }
    // The oldest stands first.
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
