import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

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
  if (process.env.REDIS_URL || isInstalled()) return
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('There is no redis-server: installing Debian’s.')
    install()
  }
  if (isInstalled()) return
  console.error(HOW_TO)
  process.exit(1)
}

function isInstalled(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

function install(): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const aptGet = (...args: string[]) => spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' })
  // Without the service that the package would start: the tests start servers of their own.
  const attempt = () => aptGet('install', '-y', '--no-install-recommends', 'redis-server')
  if (attempt().status !== 0) {
    aptGet('update')
    const { status, stderr } = attempt()
    if (status !== 0) console.error(stderr)
  }
}
