import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { redisCache } from '../src/stores/redis/cache.js'
import { parseSession, printSession } from '../src/stores/redis/codec.js'
import { sessionOf } from './population.js'

/** Bytes of this process's memory for each session that `redisStore({ cache })` keeps, parsed as it comes from Redis. */
export function bytesOfCached(count: number): number {
  const cache = redisCache({ max: count })
  const before = heap()
  for (let n = 0; n < count; n++) {
    const { id, record } = sessionOf(n, `code-${n}`)
    cache.begin(id).found(parseSession(Buffer.from(printSession(record)).toString()))
  }
  const bytes = (heap() - before) / count
  // What is measured must live until here.
  if (!cache.peek(sessionOf(0, 'code-0').id)) throw new Error('nothing was kept')
  return bytes
}

function heap(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}
