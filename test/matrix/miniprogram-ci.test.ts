/** What WeChat's own tools make of the client: its npm builder and its compiler, without WeChat. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Session } from '../../client/src/index.js'
import { root, run } from '../packages/support/pack.js'
import { get, setUrl } from './support/compiled.js'
import { startProgram } from './support/host.js'
import { type Installed, install } from './support/install.js'
import { PRINTED } from './support/mini-program.js'
import { startScene } from './support/server.js'
import { storm } from './support/storm.js'

let installed: Installed

test.before('miniprogram-ci: is installed', async (t) => {
  t.timeout(300_000)
  installed = await install('miniprogram-ci')
})

test.after.always(() => installed?.remove())

/** How the compiler is set: by 将 JS 编译成 ES5, 增强编译 and 上传时压缩代码. */
const SETTINGS = {
  'as it is': { es6: false },
  'to ES5': { es6: true, es7: false },
  'to ES5, enhanced and minified': { es6: true, es7: true, minify: true },
}

for (const [name, setting] of Object.entries(SETTINGS)) {
  test.serial(
    `miniprogram-ci: the example, compiled ${name}: 50 at start and 20 in mid-expiry, all in`,
    async (t) => {
      const example = join(root, 'examples/one-stroke/miniprogram')
      const compiled = await compile(t, example, setting, ['.'])
      const scene = await startScene(t)
      await setUrl(compiled, scene.url)
      const client = await readFile(join(compiled, 'miniprogram_npm/weapp-session-client/index.js'), 'utf8')

      const { app } = startProgram(compiled, scene.phone.wx)
      const { session } = app.studio as { session: Session }

      t.is(/=>/.test(client), !setting.es6)
      await storm(t, scene, () => get(session))
    },
  )
}

test.serial(
  'an independent subpackage has a client of its own, and each an entry of its own: 50 at start and 20 in mid-expiry, all in, with a login of each',
  async (t) => {
    const program = join(installed.folder, 'program')
    const compiled = await compile(t, program, SETTINGS['to ES5'], ['.', 'sub'])
    const scene = await startScene(t)
    await setUrl(compiled, scene.url)

    const { open } = startProgram(compiled, scene.phone.wx)
    const pages = ['pages/index/index', 'sub/pages/index/index'].map((path) => open(path).page)
    const [main, sub] = pages.map(({ session }) => session as Session) as [Session, Session]
    let turn = 0

    t.not(main.request, sub.request)
    await storm(t, scene, () => get(++turn % 2 ? main : sub), 2)
  },
)

/** Compiles a mini program, with the client as it was installed here in each of these folders. */
async function compile(
  t: ExecutionContext,
  from: string,
  setting: object,
  packages: string[],
): Promise<string> {
  t.timeout(120_000)
  const folder = join(installed.folder, `compiled-${Date.now()}`)
  const [program, result] = [join(folder, 'program'), join(folder, 'result')]
  await mkdir(result, { recursive: true })
  await cp(from, program, { recursive: true })
  // Of the example: where its server is.
  await writeFile(join(program, 'config.js'), `module.exports = { baseUrl: '${PRINTED}' }`)
  for (const name of packages) {
    const there = join(program, name, 'node_modules/weapp-session-client')
    await cp(join(installed.folder, 'node_modules/weapp-session-client'), there, { recursive: true })
  }
  const args = [join(installed.folder, 'compile.cjs'), program, result, JSON.stringify(setting)]
  await run(process.execPath, args, { maxBuffer: 64 << 20 })
  const packed = JSON.parse(await readFile(join(result, 'packed.json'), 'utf8'))
  t.deepEqual(packed, { packages: packages.length, warnings: [] })
  return result
}
