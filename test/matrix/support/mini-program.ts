import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import vm from 'node:vm'
import { build } from 'esbuild'
import type { Wx } from '../../../simulator/src/index.js'
import { root } from '../../packages/support/pack.js'

/** What programs and recipes say in the place of the address of a server. */
export const PRINTED = 'https://api.example.com'
const RECIPE = /matrix[\\/]recipes[\\/][\w-]+\.js$/
/** Marks what is looked for in the folder, and not in this project. */
const FOUND = 'found'

/** What a mini program finds when it starts, beside what the language brings: neither Node's globals nor a browser's. */
export function miniProgramGlobals(wx: Wx, more: object = {}): vm.Context {
  const timers = { setTimeout, clearTimeout, setInterval, clearInterval }
  const globals = vm.createContext({ wx, console, ...timers, ...more })
  globals.global = globals
  return globals
}

/** A recipe of test/matrix/recipes, put together with the packages it names, as the tools of mini programs do it. */
export async function bundleRecipe(name: string, folder: string, baseUrl: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'test/matrix/recipes', `${name}.js`)],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'browser',
    target: 'es2017',
    logLevel: 'error',
    // The manifest above the recipes is this project's, and says nothing of theirs.
    ignoreAnnotations: true,
    // What Mpx puts in when it builds for WeChat.
    define: { __mpx_mode__: '"wx"', __mpx_env__: '""' },
    plugins: [
      {
        name: 'packages of the folder',
        setup({ onLoad, onResolve, resolve }) {
          onLoad({ filter: RECIPE }, async ({ path }) => ({
            contents: (await readFile(path, 'utf8')).replaceAll(PRINTED, baseUrl),
          }))
          onResolve({ filter: /^[^./]/ }, ({ path, kind, importer, pluginData }) => {
            if (!RECIPE.test(importer) || pluginData === FOUND) return undefined
            return resolve(path, { kind, resolveDir: folder, pluginData: FOUND })
          })
        },
      },
    ],
  })
  return outputFiles[0]?.text ?? ''
}

/** Runs a CommonJS module among these globals, and gives what it exports. */
export function runModule<Exports>(code: string, globals: vm.Context): Exports {
  const module: { exports: unknown } = { exports: {} }
  const load = vm.runInContext(`(function (module, exports) {${code}\n})`, globals)
  load(module, module.exports)
  return module.exports as Exports
}
