import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publishedManifest } from '../../../scripts/published-manifest.js'

export const run: (
  file: string,
  args: string[],
  options?: object,
) => Promise<{ stdout: string; stderr: string }> = promisify(execFile)

export const root: string = fileURLToPath(new URL('../../..', import.meta.url))

/** A package as `npm pack` says that it is. */
export interface Packed {
  /** Of the tarball. */
  path: string
  files: string[]
  /** Bytes. */
  size: number
  unpackedSize: number
}

export function packServer(folder: string): Promise<Packed> {
  return packCompiled(root, join(folder, 'server'), folder)
}

export function packSimulator(folder: string): Promise<Packed> {
  return packCompiled(join(root, 'simulator'), join(folder, 'simulator'), folder)
}

export async function packClient(folder: string): Promise<Packed> {
  await run(process.execPath, ['scripts/build-client.js'], { cwd: root })
  return pack(join(root, 'client'), folder)
}

/**
 * Packs what `tsc` builds as it is published, in a folder of its own: `dist` may be in the making for another test, and
 * must not be swept away under it.
 */
async function packCompiled(project: string, stage: string, to: string): Promise<Packed> {
  const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, '--outDir']
  const builder = project === root ? [join(root, 'scripts/build-server.js')] : tsc
  await mkdir(stage)
  await run(process.execPath, [...builder, join(stage, 'dist')])
  const { files }: { files: string[] } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  // What begins with `!` is left out of a folder that another entry names.
  const folders = files.filter((name) => !/^(dist$|!)/.test(name)).map((name) => name.replace(/\/.*/, ''))
  const always = ['package.json', 'README.md', 'README.zh-CN.md', 'LICENSE']
  for (const name of new Set([...folders, ...always])) {
    await cp(join(project, name), join(stage, name), { recursive: true })
  }
  const manifest = join(stage, 'package.json')
  await writeFile(manifest, publishedManifest(await readFile(manifest, 'utf8')))
  return pack(stage, to)
}

async function pack(from: string, to: string): Promise<Packed> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', to]
  const { stdout } = await run('npm', args, { cwd: from })
  const [packed] = JSON.parse(stdout)
  const { filename, files, size, unpackedSize } = packed
  const paths = (files as { path: string }[]).map(({ path }) => path).sort()
  return { path: join(to, filename), files: paths, size, unpackedSize }
}
