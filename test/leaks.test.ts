import { randomBytes } from 'node:crypto'
import test from 'ava'
import { findLeaks } from '../scripts/leaks.js'

// The whole suite ends with a search for its secrets (scripts/test.ts): this is the proof that it would find one.
test('findLeaks(): it finds a secret as it is, and as it is written in a URL', (t) => {
  const secret = `${randomBytes(8).toString('hex')}+/==`
  const texts: [string, string][] = [
    ['plain', `… session_key=${secret} …`],
    ['url', `GET /?key=${encodeURIComponent(secret)}`],
    ['clean', `GET /?key=${secret.slice(1)}`],
  ]

  const leaks = findLeaks([secret], texts)

  t.deepEqual(
    leaks.map(({ where }) => where),
    ['plain', 'url'],
  )
  t.false(JSON.stringify(leaks).includes(secret))
})
