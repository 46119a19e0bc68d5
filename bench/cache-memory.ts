import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { idsOf } from '../src/id.js'
import { sealerFor } from '../src/seal.js'
import { redisCache } from '../src/stores/redis-cache.js'
import { parseSession, printSession } from '../src/stores/redis-record.js'
import { APP_ID, APP_SECRET, SESSION_KEY, userOf } from './sessions.js'

/** Bytes of this process's memory for each session that `redisStore({ cache })` keeps, parsed as it comes from Redis. */
export function bytesOfCached(count: number): number {
  const ids = idsOf(APP_ID, APP_SECRET, false)
  const sealer = sealerFor(APP_SECRET)
  const cache = redisCache({ max: count })
  const now = Date.now()
  const before = heap()
  for (let n = 0; n < count; n++) {
    const id = ids.session(`code-${n}`)
    const key = sealer.seal(SESSION_KEY, id)
    const times = { created: now, expires: now + 7_200_000 }
    const value = printSession({ v: 1, appId: APP_ID, user: userOf(n), data: {}, key, ...times, rev: 0 })
    cache.begin(id).found(parseSession(Buffer.from(value).toString()))
  }
  const bytes = (heap() - before) / count
  // What is measured must live until here.
  if (!cache.peek(ids.session('code-0'))) throw new Error('nothing was kept')
  return bytes
}

function heap(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
