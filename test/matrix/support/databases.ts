import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensureProgram } from '../../../scripts/debian.js'
import { freePort, startRedis } from '../../support/redis.js'

/** Where the databases are, as the stores are told. */
export interface Databases {
  redis: string
  postgres: string
  mysql: { host: string; port: number; user: string; password: string }
  memcached: string
  /** For files. */
  folder: string
  end(): Promise<void>
}

const HOST = '127.0.0.1'

/** Servers of one's own, on this machine alone, as Debian has them. */
export async function startDatabases(): Promise<Databases> {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-databases-'))
  // Two of them run as users of their own.
  chmodSync(folder, 0o755)
  const redis = await startRedis()
  const postgres = await startPostgres(folder)
  const mysql = await startMariadb(folder)
  const memcached = await startMemcached()

  return {
    redis: redis.url,
    postgres: `postgres://postgres@${HOST}:${postgres.port}/postgres`,
    mysql: { host: HOST, port: mysql.port, user: 'root', password: '' },
    memcached: `${HOST}:${memcached.port}`,
    folder,
    async end() {
      await redis.stop()
      for (const { server } of [postgres, mysql, memcached]) await ended(server)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Started {
  server: ChildProcess
  port: number
}

async function startPostgres(folder: string): Promise<Started> {
  ensure({ command: 'psql', versionFlag: '--version', package: 'postgresql' })
  const versions = readdirSync('/usr/lib/postgresql').sort()
  const bin = join('/usr/lib/postgresql', versions.at(-1) ?? '', 'bin')
  const data = join(folder, 'postgres')
  const port = await freePort()
  // It does not run as root.
  const user = userOf('postgres')
  const options = { ...user, cwd: '/', stdio: 'ignore' as const }
  mkdirSync(data)
  if (user) chownSync(data, user.uid, user.gid)
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'], options)
  const settings = ['-c', `listen_addresses=${HOST}`, '-c', `port=${port}`, '-c', 'fsync=off', '-k', data]
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...settings], options)
  return listening({ server, port })
}

async function startMariadb(folder: string): Promise<Started> {
  ensure({ command: '/usr/sbin/mariadbd', versionFlag: '--version', package: 'mariadb-server' })
  const data = join(folder, 'mariadb')
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const install = [`--datadir=${data}`, '--auth-root-authentication-method=normal', ...user]
  execFileSync('mariadb-install-db', ['--no-defaults', ...install], { stdio: 'ignore' })
  const place = [`--datadir=${data}`, `--socket=${data}/socket`, `--bind-address=${HOST}`, `--port=${port}`]
  const server = spawn('/usr/sbin/mariadbd', ['--no-defaults', ...user, ...place], { stdio: 'ignore' })
  const started = await listening({ server, port })
  const root = ['--no-defaults', '-h', HOST, '-P', `${port}`, '-u', 'root']
  execFileSync('mariadb', [...root, '-e', 'CREATE DATABASE weapp'], { stdio: 'ignore' })
  return started
}

async function startMemcached(): Promise<Started> {
  ensure({ command: 'memcached', versionFlag: '-V', package: 'memcached' })
  const port = await freePort()
  const server = spawn('memcached', ['-u', 'root', '-l', HOST, '-p', `${port}`, '-U', '0'], {
    stdio: 'ignore',
  })
  return listening({ server, port })
}

function ensure(program: Parameters<typeof ensureProgram>[0]): void {
  if (!ensureProgram(program)) throw new Error(`There is no ${program.command}: install ${program.package}`)
}

/** Of a program that refuses to run as root: whom it runs as. */
function userOf(name: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: idOf('-u'), gid: idOf('-g') }
}

async function listening(started: Started): Promise<Started> {
  const { server, port } = started
  for (const deadline = Date.now() + 60_000; ; ) {
    if (server.exitCode !== null || Date.now() > deadline) throw new Error(`nothing listens on ${port}`)
    if (await isOpen(port)) return started
    await sleep(100)
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const exit = once(server, 'exit')
  server.kill('SIGKILL')
  await exit
}
