import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Middleware } from 'koa'
import { type Packed, packClient, packServer, packSimulator, root, run } from '../../packages/support/pack.js'

const here = join(root, 'test/matrix')
const FLAGS = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']

/** Foreign packages in a folder of their own, with our packages beside them: what is not there, nothing finds. */
export interface Installed {
  folder: string
  remove(): Promise<void>
}

const CLIENT = [packClient]
/** For what runs on a server. */
export const SERVER: Pack[] = [packServer, packSimulator]

type Pack = (folder: string) => Promise<Packed>

/**
 * Copies a folder of test/matrix, installs what its lock file says, and then our packages as their users install them: the
 * client, if nothing else is said.
 */
export async function install(name: string, ours: Pack[] = CLIENT): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), `weapp-${name}-`))
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    await cp(join(here, name), folder, {
      recursive: true,
      filter: (path) => !path.endsWith('node_modules'),
    })
    await run('npm', ['ci', ...FLAGS], { cwd: folder, maxBuffer: 64 << 20 })
    await installOurs(folder, ours)
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, remove }
}

async function installOurs(folder: string, ours: Pack[]): Promise<void> {
  const tarballs = join(folder, 'tarballs')
  await mkdir(tarballs)
  const packed = await Promise.all(ours.map((pack) => pack(tarballs)))
  const paths = packed.map(({ path }) => path)
  await run('npm', ['install', '--no-save', '--no-package-lock', ...FLAGS, ...paths], { cwd: folder })
}

/** What a package that is installed exports: a function that makes middleware, in most. */
export async function loadMiddleware(
  { folder }: Installed,
  name: string,
): Promise<(...args: unknown[]) => Middleware> {
  const path = createRequire(join(folder, 'package.json')).resolve(name)
  const exports = await import(pathToFileURL(path).href)
  // CommonJS that was compiled from a module of its own.
  const { default: first } = exports
  return first?.default ?? first ?? exports
}
