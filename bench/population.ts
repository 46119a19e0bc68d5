import type { createClient, createCluster } from 'redis'
import { idsOf } from '../src/id.js'
import { sealerFor } from '../src/seal.js'
import { printSession } from '../src/stores/redis-record.js'
import { APP_ID, APP_SECRET, SESSION_KEY, userOf } from './sessions.js'

type Client = Pick<ReturnType<typeof createClient>, 'set' | 'hSet' | 'pExpire'>
type AnyClient = Client | Pick<ReturnType<typeof createCluster>, 'set' | 'hSet' | 'pExpire'>

const TTL = 7_200_000
const BATCH = 2000

/**
 * Puts sessions of as many users into Redis as logins of the code carrier leave them (src/stores/redis-scripts.ts):
 * a million logins would take minutes. Their codes.
 */
export async function populate(client: AnyClient, size: number): Promise<string[]> {
  const ids = idsOf(APP_ID, APP_SECRET, false)
  const sealer = sealerFor(APP_SECRET)
  const codes = Array.from({ length: size }, (_, n) => `code-${n}-${'x'.repeat(20)}`)
  for (let n = 0; n < size; n += BATCH) {
    await Promise.all(codes.slice(n, n + BATCH).flatMap((code, i) => put(n + i, code)))
  }
  return codes

  function put(n: number, code: string): Promise<unknown>[] {
    const id = ids.session(code)
    const user = userOf(n)
    const created = Date.now()
    const expires = created + TTL
    const key = sealer.seal(SESSION_KEY, id)
    const record = { v: 1 as const, appId: APP_ID, user, data: {}, key, created, expires, rev: 0 }
    const userKey = `weapp-session:u:${ids.user(user.openId)}`
    return [
      client.set(`weapp-session:s:${id}`, printSession(record), { expiration: { type: 'PX', value: TTL } }),
      client.hSet(userKey, id, `${created}000 ${expires}000`),
      client.pExpire(userKey, TTL + 60_000),
    ]
  }
}

/** Spread over all, but for the first ten: load.ts looks whether number 7 is answered as user 7. */
export function sampleOf<T>(all: T[], count: number): T[] {
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, n) => n < 10 || n % step === 0).slice(0, count)
}
