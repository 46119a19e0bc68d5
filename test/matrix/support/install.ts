import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packClient, root, run } from '../../packages/support/pack.js'

const here = join(root, 'test/matrix')
const FLAGS = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']

/** Foreign packages in a folder of their own, with our client beside them: what is not there, nothing finds. */
export interface Installed {
  folder: string
  remove(): Promise<void>
}

/** Copies a folder of test/matrix, installs what its lock file says, and then the client as its users install it. */
export function install(name: string): Promise<Installed> {
  return installFolder(name, installClient)
}

/** Copies a folder of test/matrix, and installs what its lock file says. */
export async function installFolder(
  name: string,
  more: (folder: string) => Promise<void> = async () => {},
): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), `weapp-${name}-`))
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    await cp(join(here, name), folder, {
      recursive: true,
      filter: (path) => !path.endsWith('node_modules'),
    })
    await run('npm', ['ci', ...FLAGS], { cwd: folder, maxBuffer: 64 << 20 })
    await more(folder)
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, remove }
}

async function installClient(folder: string): Promise<void> {
  const tarballs = join(folder, 'tarballs')
  await mkdir(tarballs)
  const { path } = await packClient(tarballs)
  await run('npm', ['install', '--no-save', '--no-package-lock', ...FLAGS, path], { cwd: folder })
}
