import { CODE_MEMORY, type Entry, type SessionRecord } from '../store.js'
import type { RedisClient } from './client.js'
import { parseValue } from './codec.js'

/**
 * What the value of a session key says; nothing when this package did not write it. The age of a claim or a taking is
 * that of its key, by Redis's clock alone.
 */
export async function entryOf(
  client: RedisClient,
  key: string,
  value: string | null,
): Promise<Entry | undefined> {
  const parsed = parseValue(value)
  if (!parsed) return undefined
  switch (parsed.kind) {
    case 'session':
      return entryOfSession(parsed.record)
    case 'claim':
      return { state: 'claimed', age: await ageOf(client, key), token: parsed.token }
    case 'refused':
      return { state: 'refused', refusal: parsed.refusal }
    case 'taken': {
      const { token, successor, record } = parsed
      if (record.expires <= Date.now()) return { state: 'ended' }
      return { state: 'taken', token, successor, record, age: await ageOf(client, key) }
    }
    case 'ended':
      return { state: 'ended', ...(parsed.successor !== undefined && { successor: parsed.successor }) }
    case 'used':
      return { state: 'used' }
  }
}

export function entryOfSession(record: SessionRecord): Entry {
  return record.expires > Date.now() ? { state: 'session', record } : { state: 'ended' }
}

/** ms since a key was written that is kept for CODE_MEMORY. */
async function ageOf(client: RedisClient, key: string): Promise<number> {
  return CODE_MEMORY - (await client.pTTL(key))
}
