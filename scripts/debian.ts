import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export interface DebianProgram {
  /** The command, and what makes it say its version. */
  command: string
  versionFlag: string
  /** Debian's name for what brings it. */
  package: string
}

/**
 * Whether there is a program; where there is none, and it can be done, it is installed before. Without the service
 * that the package would start: the tests start servers of their own.
 */
export function ensureProgram(program: DebianProgram): boolean {
  if (isInstalled(program)) return true
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false
  console.log(`There is no ${program.command}: installing Debian’s.`)
  install(program)
  return isInstalled(program)
}

function isInstalled({ command, versionFlag }: DebianProgram): boolean {
  // Some end with an error when they have said it.
  return spawnSync(command, [versionFlag]).error === undefined
}

function install(program: DebianProgram): void {
  // In run level 1, packages start nothing.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const aptGet = (...args: string[]) => spawnSync('apt-get', ['-qq', ...args], { env, encoding: 'utf8' })
  const attempt = () => aptGet('install', '-y', '--no-install-recommends', program.package)
  if (attempt().status === 0) return
  aptGet('update')
  const { status, stderr } = attempt()
  if (status !== 0) console.error(stderr)
}
