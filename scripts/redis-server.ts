import { ensureProgram } from './debian.js'

const HOW_TO = `The tests need a real Redis, and there is no redis-server here.
Install one:
  Debian, Ubuntu   sudo apt-get install redis-server
  Fedora           sudo dnf install redis
  macOS            brew install redis
or point the tests to one that is running:
  REDIS_URL=redis://127.0.0.1:6379 npm test
`

/** Sees to it that there is a `redis-server`; where there cannot be one, says how to get it. */
export function ensureRedisServer(): void {
  if (process.env.REDIS_URL) return
  if (ensureProgram({ command: 'redis-server', versionFlag: '--version', package: 'redis-server' })) return
  console.error(HOW_TO)
  process.exit(1)
}
