/** The same as redis-trouble.test.ts, by a client of ioredis. */
import test from 'ava'
import { Redis } from 'ioredis'
import { redisStore } from '../src/index.js'
import { showTrouble, TROUBLES } from './support/redis-troubles.js'

/** ioredis does not tell these: it waits while Redis is loading, and says of the others that the connection was closed. */
const UNTOLD = ['LOADING', 'max number of clients', 'it speaks no TLS']

for (const trouble of TROUBLES.filter(({ says }) => !UNTOLD.includes(says))) {
  test(`redisStore({ client }): ioredis: ${trouble.says}: what is done, what is said, and what the client is told`, (t) =>
    showTrouble(t, trouble, (url, connectTimeout) =>
      redisStore({ client: new Redis(url, { lazyConnect: true }), timeout: 2000, connectTimeout }),
    ))
}
