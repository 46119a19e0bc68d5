import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A server of another release of Debian than that of this machine. */
export interface DebianServer {
  /** The codename of the release. */
  release: string
  /** The program. */
  program: string
  /** The packages that it is in, and those of its libraries, with the C library. */
  packages: string[]
}

/** A server in a folder of its own: nothing is installed. */
export interface UnpackedServer {
  /** Has a command `redis-server`, which runs it: to be put before PATH. */
  bin: string
  remove(): Promise<void>
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Downloads and unpacks a server from where this machine has its packages; nothing where that is no Debian, or has no such release. */
export async function unpackServer(server: DebianServer): Promise<UnpackedServer | undefined> {
  const site = await debianSite()
  if (!site) return undefined
  const folder = await mkdtemp(join(tmpdir(), `weapp-${server.release}-`))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const root = join(folder, 'root')
    await download(site, server, folder)
    for (const file of await readdir(join(folder, 'packages')))
      await run('dpkg-deb', ['-x', join(folder, 'packages', file), root])
    return { bin: await writeCommand(folder, root, server), remove }
  } catch (error) {
    await remove()
    if (/does not have a Release file|no longer has a Release file/.test(String(error))) return undefined
    throw error
  }
}

/** Where the packages of this machine come from, if that is Debian. */
async function debianSite(): Promise<string | undefined> {
  const format = ['--format', '$(REPO_URI) $(RELEASE)', 'Created-By: Packages']
  const { stdout } = await run('apt-get', ['indextargets', ...format]).catch(() => ({ stdout: '' }))
  const [site] = stdout.split('\n').filter((line) => line !== '' && !/security|backports/.test(line))
  return site?.split(' ', 1)[0]
}

async function download(site: string, { release, packages }: DebianServer, folder: string): Promise<void> {
  for (const part of ['lists/partial', 'cache/archives/partial', 'packages'])
    await mkdir(join(folder, part), { recursive: true })
  const sources = join(folder, 'sources.list')
  await writeFile(join(folder, 'status'), '')
  await writeFile(sources, `deb [signed-by=${KEYRING}] ${site} ${release} main\n`)
  const settings = [
    `Dir::Etc::sourcelist=${sources}`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${join(folder, 'lists')}`,
    // As if nothing were installed: else those would be the newest.
    `Dir::State::status=${join(folder, 'status')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
  ].flatMap((setting) => ['-o', setting])
  const apt = (...args: string[]) =>
    run('apt-get', [...settings, '-qq', ...args], { cwd: join(folder, 'packages'), maxBuffer: 64 << 20 })
  await apt('update')
  await apt('download', ...packages.map((name) => `${name}/${release}`))
}

/** The program runs with the C library of its own release. */
async function writeCommand(folder: string, root: string, { program }: DebianServer): Promise<string> {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const { stdout } = await run('find', [root, '-name', 'ld-linux-*.so.*'])
  const [loader = ''] = stdout.split('\n')
  const libraries = (await run('find', [root, '-name', '*.so.*', '-printf', '%h\n'])).stdout.split('\n')
  const path = [...new Set(libraries)].filter(Boolean).join(':')
  const command = join(bin, 'redis-server')
  await writeFile(
    command,
    `#!/bin/sh\nexec ${loader} --library-path ${path} ${root}/usr/bin/${program} "$@"\n`,
  )
  await chmod(command, 0o755)
  return bin
}
