/** The client in a build of its own that compiles what is in node_modules to ES5, with Babel 6 and what that needs. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import vm from 'node:vm'
import test from 'ava'
import type { createSession as create } from '../../client/src/index.js'
import type { Wx } from '../../simulator/src/index.js'
import { run } from '../packages/support/pack.js'
import { get } from './support/compiled.js'
import { type Installed, install } from './support/install.js'
import { miniProgramGlobals } from './support/mini-program.js'
import { startScene } from './support/server.js'
import { storm } from './support/storm.js'

let installed: Installed

test.before('Babel 6: is installed', async (t) => {
  t.timeout(300_000)
  installed = await install('babel-6')
})

test.after.always(() => installed?.remove())

const WAYS = {
  'a regeneratorRuntime of its own': {
    plugins: [],
    before: "var regeneratorRuntime = require('regenerator-runtime');",
  },
  'transform-runtime': { plugins: [['transform-runtime', { polyfill: false }]], before: '' },
}

for (const [name, { plugins, before }] of Object.entries(WAYS)) {
  test(`Babel 6, with ${name}: 50 at start and 20 in mid-expiry, all in`, async (t) => {
    const scene = await startScene(t)
    const files = await compiled(plugins)
    const createSession = load(files.map((code) => `${before}\n${code}`) as Files, scene.phone.wx)

    const session = createSession({ baseUrl: scene.url })

    await storm(t, scene, () => get(session))
  })
}

test('Babel 6, without either: it says what is missing, when it is loaded', async (t) => {
  const scene = await startScene(t)
  const files = await compiled([])

  t.throws(() => load(files, scene.phone.wx), { any: true, message: 'regeneratorRuntime is not defined' })
})

/** The main file, and that of the core, which it requires. */
type Files = [main: string, core: string]

async function compiled(plugins: unknown[]): Promise<Files> {
  const files = ['index.js', 'core.js'].map(async (file) => {
    const args = [
      join(installed.folder, 'compile.cjs'),
      file,
      ...plugins.map((plugin) => JSON.stringify(plugin)),
    ]
    const { stdout } = await run(process.execPath, args, { cwd: installed.folder })
    return stdout
  })
  return Promise.all(files) as Promise<Files>
}

/** Its helpers are found where they were installed. */
function load([main, core]: Files, wx: Wx): typeof create {
  const globals = miniProgramGlobals(wx)
  const helpers = createRequire(join(installed.folder, 'index.js'))
  const { createSession } = evaluate(main) as { createSession: typeof create }
  return createSession

  function evaluate(code: string): unknown {
    const module = { exports: {} as unknown }
    const define = vm.runInContext(`(function (require, module, exports) {${code}\n})`, globals)
    const own = (name: string) => (name === './core.js' ? evaluate(core) : helpers(name))
    define(own, module, module.exports)
    return module.exports
  }
}
