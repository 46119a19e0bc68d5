import { dirname, join, posix, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildFailure, Plugin } from 'esbuild'
import { OpenError } from './errors.js'
import { type Folder, pathFrom } from './folder.js'
import { npmPaths } from './program-files.js'
import type { Tools } from './tools.js'

/** The browser's part, which is bundled from its sources. */
const page: string = fileURLToPath(new URL('../../src/open/page', import.meta.url))

export interface ScriptOptions {
  folder: Folder
  /** The module `weapp:program`: what the page imports the mini program from. */
  program: string
  /** Sources to put in the place of files, by their paths. */
  replace: Record<string, string>
  /** A module of the host's own, which runs on the page after the mini program has started. */
  script: string | undefined
}

/**
 * Puts the page's code, WeChat's framework and the mini program together: its JavaScript and TypeScript, as CommonJS or
 * with imports, and the packages that it requires.
 *
 * @throws {OpenError} ERR_OPEN_SCRIPT with the places of what is wrong
 */
export async function bundleScripts(
  { build, nodePaths }: Tools,
  { folder, program, replace, script }: ScriptOptions,
): Promise<string> {
  const entry = `import ${JSON.stringify(join(page, 'main.ts'))}\n`
  try {
    const { outputFiles } = await build({
      stdin: { contents: entry + (script ? `import ${JSON.stringify(script)}\n` : ''), resolveDir: page },
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      // A package that says that it has no side effects would be left out where it is imported for them.
      ignoreAnnotations: true,
      sourcemap: 'inline',
      // What stands above the mini program's folder has no say in how it is compiled.
      tsconfigRaw: {},
      nodePaths,
      plugins: [miniProgram({ folder, program, replace })],
      logLevel: 'silent',
    })
    return outputFiles[0]?.text ?? ''
  } catch (cause) {
    const { errors } = cause as BuildFailure
    if (!errors) throw cause
    const lines = errors.map(({ text, location }) => {
      return location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text
    })
    throw new OpenError('ERR_OPEN_SCRIPT', lines.join('\n'), { cause })
  }
}

/** Modules are found as in a mini program: from the root with `/`, in `miniprogram_npm`, and nowhere outside. */
function miniProgram({
  folder,
  program,
  replace,
}: Pick<ScriptOptions, 'folder' | 'program' | 'replace'>): Plugin {
  return {
    name: 'mini program',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^weapp:program$/ }, ({ path }) => ({ path, namespace: 'weapp' }))
      onLoad({ filter: /.*/, namespace: 'weapp' }, () => ({ contents: program, resolveDir: folder.root }))

      onResolve({ filter: /.*/ }, async ({ path, importer, namespace }) => {
        const owner = namespace === 'weapp' ? 'app.js' : pathOf(folder, importer)
        if (owner === undefined || owner.includes('node_modules/')) return undefined
        const isOurs = /^[./]/.test(path)
        const candidates = isOurs
          ? [pathFrom(owner, path)]
          : [...npmPaths(owner, path), pathFrom(owner, path)]
        if (isOurs && candidates[0] === undefined) {
          return { errors: [{ text: `${path} leads out of the mini program` }] }
        }
        for (const candidate of candidates) {
          const found = candidate === undefined ? undefined : await findModule(folder, candidate)
          if (found !== undefined) return { path: found }
        }
        // A package of node_modules, which DevTools would have built into miniprogram_npm.
        return isOurs ? { errors: [{ text: `${path} is not there` }] } : undefined
      })

      onLoad({ filter: /\.[jt]s$/ }, ({ path }) => {
        const own = pathOf(folder, path)
        const contents = own === undefined ? undefined : replace[own]
        return contents === undefined ? undefined : { contents, resolveDir: dirname(path) }
      })
    },
  }
}

async function findModule(folder: Folder, path: string): Promise<string | undefined> {
  for (const name of [path, `${path}.js`, `${path}.ts`, `${path}/index.js`, `${path}/index.ts`]) {
    const found = await folder.find(posix.normalize(name))
    if (found !== undefined) return found
  }
  return undefined
}

/** A file's path from the root; `undefined` for one that is not in the folder. */
function pathOf(folder: Folder, file: string): string | undefined {
  const path = relative(folder.root, file)
  return path === '' || path.startsWith('..') ? undefined : path.split(sep).join('/')
}
