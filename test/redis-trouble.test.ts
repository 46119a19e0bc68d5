/** What each trouble of Redis means to clients and operators, by a URL. */
import test from 'ava'
import { redisStore } from '../src/index.js'
import { rows, showTrouble, TROUBLES } from './support/redis-troubles.js'

for (const trouble of TROUBLES) {
  test(`redisStore(): ${trouble.says}: what is done, what is said, and what the client is told`, (t) =>
    showTrouble(t, trouble, (url, connectTimeout) => redisStore({ url, timeout: 2000, connectTimeout })))
}

test('docs/troubleshooting.md: it has each trouble that is made here, and no other', (t) => {
  t.deepEqual(rows.map(([says]) => says).sort(), TROUBLES.map(({ says }) => says).sort())
})
