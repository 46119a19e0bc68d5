import { redisStore } from 'koa-weapp-session'
import { createIds } from '../src/crypto/ids.js'
import { createSealer } from '../src/crypto/seal.js'
import type { SessionStore, StoredSession } from '../src/stores/store.js'
import { APP_ID, APP_SECRET, SESSION_KEY, userOf } from './sessions.js'

const TTL = 7_200_000

/** Logins at a time. */
const BATCH = 500

const ids = createIds(APP_ID, APP_SECRET, 'code')
const sealer = createSealer(APP_SECRET)

/**
 * Puts sessions of as many users into Redis as logins of the code carrier do, by the store's own steps, without HTTP
 * around them: a million logins would take minutes. Their codes.
 */
export async function populate(source: Parameters<typeof redisStore>[0], size: number): Promise<string[]> {
  const store = redisStore({ ...source, timeout: 5000 })
  const codes = Array.from({ length: size }, (_, n) => `code-${n}-${'x'.repeat(20)}`)
  for (let n = 0; n < size; n += BATCH) {
    await Promise.all(codes.slice(n, n + BATCH).map((code, i) => logIn(store, n + i, code)))
  }
  await store.close?.()
  return codes
}

async function logIn(store: SessionStore, n: number, code: string): Promise<void> {
  const { id, record } = sessionOf(n, code)
  const claimed = await store.claim(id)
  if (claimed.state !== 'granted') throw new Error(`${code} is ${claimed.state}`)
  await store.create({ id, user: ids.user(userOf(n).openId), record, claim: claimed.claim, max: 10 })
}

/** The session that user n gets for a code. */
export function sessionOf(n: number, code: string): StoredSession {
  const id = ids.session(code)
  const created = Date.now()
  const times = { created, expires: created + TTL }
  const key = sealer.seal(SESSION_KEY, id)
  return {
    id,
    record: { v: 1, appId: APP_ID, user: { appId: APP_ID, ...userOf(n) }, data: {}, key, ...times, rev: 0 },
  }
}

/** Spread over all, but for the first ten: load.ts looks whether number 7 is answered as user 7. */
export function sampleOf<T>(all: T[], count: number): T[] {
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, n) => n < 10 || n % step === 0).slice(0, count)
}
