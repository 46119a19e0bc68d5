import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transform } from 'esbuild'
import { packServer, packSimulator, root, run } from '../../packages/support/pack.js'

const here = join(root, 'test/frameworks')

/** A framework, and how an app of it is made. */
export interface Framework {
  /** The folder with its manifest, its lock file, and files of the app. */
  name: string
  /** A folder with more files of the app. */
  app?: string
  /** The folder in which the app has what all apps share. */
  shared: string
  /** Whether the app's own TypeScript looks at it, or builds it, before it starts. */
  isTyped?: boolean
  /** The program that is the app. */
  start: string
}

/** An app that is ready to be started, in a folder of its own: what it does not bring, it cannot find. */
export interface Installed {
  folder: string
  remove(): Promise<void>
}

export async function install(framework: Framework): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), `weapp-${framework.name}-`))
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    await copyFiles(framework, folder)
    await installPackages(folder)
    if (framework.isTyped) await compile(folder)
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, remove }
}

async function copyFiles({ name, app, shared }: Framework, folder: string): Promise<void> {
  for (const files of [app, name].filter((files) => files !== undefined)) {
    const options = { recursive: true, filter: (path: string) => !path.endsWith('node_modules') }
    await cp(join(here, files), folder, options)
  }
  for (const module of ['weapp', 'handlers', 'shop']) {
    const source = await readFile(join(here, `${module}.ts`), 'utf8')
    await writeFile(join(folder, shared, `${module}.ts`), source)
    // For apps in JavaScript, whose Node does not run the other.
    const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })
    await writeFile(join(folder, shared, `${module}.mjs`), code)
  }
}

async function installPackages(folder: string): Promise<void> {
  const tarballs = join(folder, 'tarballs')
  await mkdir(tarballs)
  const packed = [await packServer(tarballs), await packSimulator(tarballs)]
  await installBeside(
    folder,
    packed.map(({ path }) => path),
  )
}

/** What the lock file of a folder says, and then our tarballs, as their users install them. */
export async function installBeside(folder: string, tarballs: string[]): Promise<void> {
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', ['ci', ...flags], { cwd: folder })
  await run('npm', ['install', '--no-save', ...flags, ...tarballs], { cwd: folder })
}

async function compile(folder: string): Promise<void> {
  const tsc = join(folder, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc], { cwd: folder }).catch(({ stdout }) => {
    throw new Error(`It does not compile:\n${stdout}`)
  })
}

/** Every Koa that was installed, wherever in the tree, that of the app first: its version. */
export async function koasIn(folder: string): Promise<string[]> {
  const names = await readdir(join(folder, 'node_modules'), { recursive: true })
  const manifests = names
    .filter((name) => /(^|node_modules\/)koa\/package\.json$/.test(name))
    .sort((a, b) => a.length - b.length)
  return Promise.all(
    manifests.map(async (name) => {
      const { version } = JSON.parse(await readFile(join(folder, 'node_modules', name), 'utf8'))
      return version as string
    }),
  )
}
