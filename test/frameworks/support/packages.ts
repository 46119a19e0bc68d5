import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestFn } from 'ava'
import { root, run } from '../../packages/support/pack.js'

/** What a package exports. No types: those of the packages are not there when ours are checked. */
export type Load = <Exports>(name: string) => Promise<Exports>

/**
 * The packages that a folder of test/frameworks has in its lock file, for tests that run a framework in their own process,
 * beside our sources.
 */
export function usePackages(test: TestFn, name: string): Load {
  let folder: string | undefined

  test.before(`${name}: is installed`, async (t) => {
    t.timeout(300_000)
    folder = await mkdtemp(join(tmpdir(), `weapp-${name}-`))
    for (const file of ['package.json', 'package-lock.json'])
      await cp(join(root, 'test/frameworks', name, file), join(folder, file))
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=dev']
    await run('npm', ['ci', ...flags], { cwd: folder })
    // A module among them: it finds them, and the build of each that modules get.
    await writeFile(join(folder, LOADER), 'export const load = (name) => import(name)\n')
  })

  test.after.always(() => folder && rm(folder, { recursive: true, force: true, maxRetries: 3 }))

  return async (specifier) => {
    const { load } = await import(pathToFileURL(join(folder ?? root, LOADER)).href)
    return load(specifier)
  }
}

const LOADER = 'load.mjs'
