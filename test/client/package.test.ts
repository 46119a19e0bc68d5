import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import vm from 'node:vm'
import { gzipSync } from 'node:zlib'
import { parse } from 'acorn'
import test from 'ava'
import { build } from 'esbuild'
import type * as source from '../../client/src/index.js'

type Client = typeof source & typeof source.default

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('../..', import.meta.url))
const client = join(root, 'client')
const entry = join(client, 'dist/index.js')
const KB = 1024

/** A project of its own, into which the packed package was installed. */
let project: string

test.before(async () => {
  project = await mkdtemp(join(tmpdir(), 'weapp-package-'))
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', project], { cwd: client })
  const [tarball = ''] = await readdir(project)
  const manifest = { name: 'app', version: '1.0.0', private: true, type: 'commonjs' }
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest))
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball}`], { cwd: project })
})

test.after.always(async () => {
  if (project) await rm(project, { recursive: true, force: true })
})

test('weapp-session-client: the module is the drop-in function, and carries everything else', (t) => {
  const request: Client = require(entry)

  t.is(typeof request, 'function')
  t.deepEqual(Object.keys(request).sort(), ['SessionError', 'createSession', 'default', 'isSessionError'])
  t.is(request.default, request)
  t.is(typeof request.createSession({ baseUrl: 'https://api.example.com' }).request, 'function')
})

test('weapp-session-client: Node finds its names in an import', async (t) => {
  const module: Record<string, unknown> = await import(entry)

  t.is(module.default, require(entry))
  for (const name of ['createSession', 'SessionError', 'isSessionError'])
    t.is(typeof module[name], 'function', name)
})

test('weapp-session-client: nothing happens at import: not even a look at a global', async (t) => {
  const seen: string[] = []
  const globals = {}
  for (const name of [
    'wx',
    'require',
    'setTimeout',
    'setInterval',
    'console',
    'getApp',
    'globalThis',
    'process',
  ])
    Object.defineProperty(globals, name, { get: () => void seen.push(name) })
  const context = vm.createContext(globals)
  const load = async (name: string, ownRequire: (name: string) => unknown) => {
    const code = await readFile(join(client, 'dist', name), 'utf8')
    const module: { exports?: Client } = { exports: {} as Client }
    vm.runInContext(`(module, require) => {${code}\n}`, context)(module, ownRequire)
    return module
  }

  const core = await load('core.js', () => t.fail('the core needs nothing'))
  const module = await load('index.js', (name) => name === './core.js' && core.exports)

  t.deepEqual(seen, [])
  t.is(typeof module.exports, 'function')
  t.throws(() => module.exports?.({ url: 'https://api.example.com' }))
  t.not(seen.length, 0, 'the traps work')
})

test('weapp-session-client: two copies live side by side, and know the errors of each other', (t) => {
  const first: Client = require(entry)
  delete require.cache[entry]
  const second: Client = require(entry)

  t.not(first, second)
  const error = t.throws(() => first.createSession({ baseUrl: 'nowhere' }))
  t.false(error instanceof second.SessionError)
  t.true(second.isSessionError(error))
})

test('weapp-session-client: it is ES2017, and readable', async (t) => {
  for (const name of ['index', 'core', 'http', 'events']) {
    const code = await readFile(join(client, `dist/${name}.js`), 'utf8')

    t.notThrows(() => parse(code, { ecmaVersion: 2017, sourceType: 'script' }), name)
    t.regex(code, /function create[A-Z]\w+\(/)
  }
})

test('weapp-session-client: its core weighs at most 8 KB, and all of its main entry at most 11 KB', async (t) => {
  // The session with its four calls; without cookies, 云托管, logoutPath, checks of options, and hints.
  const core = await weight(`export { createSession } from './src/core.ts'`)
  const createSession = await weight(`export { createSession } from './src/index.ts'`)
  const http = await weight(`export * from './src/http.ts'`)
  const events = await weight(`export * from './src/events.ts'`)
  const all = await weight(`export * from './src/index.ts'; export { default } from './src/index.ts'`)

  const weights = Object.entries({ core, createSession, http, events, all })
  const shipped = await Promise.all(
    ['core', 'index', 'events'].map(async (name) => [
      name,
      await weight(`export * from './dist/${name}.js'`),
    ]),
  )
  t.log('as shipped:', shipped.map(([name, bytes]) => `${name} ${inKB(Number(bytes))}`).join(', '))
  t.log(weights.map(([name, bytes]) => `${name} ${inKB(bytes)}`).join(', '), '(esbuild --minify, gzip -9)')
  t.true(core <= 8 * KB, `core: ${core} bytes`)
  t.true(all <= 11 * KB, `${all} bytes`)
})

test('weapp-session-client: the package holds what it needs, and nothing else', async (t) => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: client })
  const [packed]: { files: { path: string }[] }[] = JSON.parse(stdout)

  t.deepEqual(packed?.files.map(({ path }) => path).sort(), [
    'LICENSE',
    'README.md',
    'README.zh-CN.md',
    'core.d.ts',
    'core.js',
    'dist/core.d.ts',
    'dist/core.js',
    'dist/events.d.ts',
    'dist/events.js',
    'dist/http.d.ts',
    'dist/http.js',
    'dist/index.d.ts',
    'dist/index.js',
    'events.d.ts',
    'events.js',
    'http.d.ts',
    'http.js',
    'package.json',
  ])
})

test('weapp-session-client: main and miniprogram name the same file, and there is nothing to install with it', async (t) => {
  const manifest = JSON.parse(await readFile(join(client, 'package.json'), 'utf8'))

  t.is(manifest.main, `${manifest.miniprogram}/index.js`)
  for (const field of ['dependencies', 'optionalDependencies', 'peerDependencies', 'private'])
    t.is(manifest[field], undefined, field)
})

test('weapp-session-client: a new project can require it, import it and bundle it', async (t) => {
  const say = 'console.log(typeof request, typeof createSession, request.createSession === createSession)'
  const required = `const request = require('weapp-session-client'); const { createSession } = request; ${say}`
  const imported = `import request, { createSession } from 'weapp-session-client'; ${say}`
  await writeFile(join(project, 'required.cjs'), required)
  await writeFile(join(project, 'imported.mjs'), imported)
  // As mini programs are written: ES modules by their syntax alone, in files without a word about it.
  await writeFile(join(project, 'app.js'), imported)
  const bundle = { bundle: true, absWorkingDir: project }
  await build({ ...bundle, entryPoints: ['app.js'], format: 'iife', outfile: 'bundle.js' })

  for (const file of ['required.cjs', 'imported.mjs', 'bundle.js']) {
    const { stdout } = await run(process.execPath, [file], { cwd: project })
    t.is(stdout.trim(), 'function function true', file)
  }

  const others = `
    import { createSession } from 'weapp-session-client/core'
    import { createHttp } from 'weapp-session-client/http'
    import { createEventReader } from 'weapp-session-client/events'
    console.log(typeof createSession, typeof createHttp, typeof createEventReader)`
  const asRequired = others.replace(/import (.*) from (.*)/g, 'const $1 = require($2)')
  await writeFile(join(project, 'others.mjs'), others)
  await writeFile(join(project, 'others.cjs'), asRequired)
  // As tools find it that know no `exports`, WeChat's among them: the folder dist, copied.
  const copied = asRequired.replace(/weapp-session-client/g, './miniprogram_npm/weapp-session-client')
  await cp(join(client, 'dist'), join(project, 'miniprogram_npm/weapp-session-client'), { recursive: true })
  await writeFile(join(project, 'copied.cjs'), copied)
  for (const name of ['core', 'http', 'events'])
    t.deepEqual(
      Object.keys(require(join(client, `${name}.js`))),
      Object.keys(require(join(client, `dist/${name}.js`))),
    )
  await writeFile(join(project, 'others.js'), others)
  await build({ ...bundle, entryPoints: ['others.js'], format: 'iife', outfile: 'others-bundle.js' })
  for (const file of ['others.mjs', 'others.cjs', 'copied.cjs', 'others-bundle.js']) {
    const { stdout } = await run(process.execPath, [file], { cwd: project })
    t.is(stdout.trim(), 'function function function', file)
  }
})

test('weapp-session-client: its types work in a new project, however that finds its modules', async (t) => {
  const uses = `
    const session: Session = createSession({ baseUrl: 'https://api.example.com' })
    interface User { openId: string }
    export const users: Promise<User>[] = [
      session.request<User>({ url: '/me' }).then(({ data }) => data),
      request<User>({ url: 'https://api.example.com/me' }).then(({ data }) => data),
    ]`
  const imported = `import request, { createSession, type Session } from 'weapp-session-client'\n${uses}`
  const required = `import request = require('weapp-session-client')
    import createSession = request.createSession
    type Session = request.Session\n${uses}`
  await writeFile(join(project, 'imported.mts'), imported)
  await writeFile(join(project, 'imported.cts'), imported)
  await writeFile(join(project, 'required.cts'), required)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--noEmit', '--strict', '--target', 'ES2017', '--lib', 'ES2017', '--types', '']
  const modes = [
    ['--module', 'nodenext', 'imported.mts', 'imported.cts', 'required.cts'],
    ['--module', 'commonjs', '--moduleResolution', 'bundler', 'imported.cts', 'required.cts'],
    ['--module', 'esnext', '--moduleResolution', 'bundler', 'imported.mts'],
  ]

  for (const mode of modes)
    await t.notThrowsAsync(run(process.execPath, [tsc, ...flags, ...mode], { cwd: project }), mode.join(' '))
})

test("weapp-session-client: WeChat's own npm builder puts it in its place", async (t) => {
  const ci = miniprogramCi()
  if (!ci) {
    t.log('SKIPPED: miniprogram-ci is not installed; to run this test: npm i -D miniprogram-ci')
    return t.pass()
  }
  const miniprogramNpmDistDir = join(project, 'miniprogram')
  await mkdir(miniprogramNpmDistDir)

  const result = await ci.packNpmManually({
    packageJsonPath: join(project, 'package.json'),
    miniprogramNpmDistDir,
  })

  t.deepEqual([result.miniProgramPackNum, result.otherNpmPackNum, result.warnList], [1, 0, []])
  const built = join(miniprogramNpmDistDir, 'miniprogram_npm/weapp-session-client')
  t.deepEqual((await readdir(built)).sort(), ['index.d.ts', 'index.js'])
  t.is(await readFile(join(built, 'index.js'), 'utf8'), await readFile(entry, 'utf8'))
})

/** Bytes of what a bundle gets from the client. */
async function weight(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: client },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2017',
    write: false,
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}

function inKB(bytes: number): string {
  return `${(bytes / KB).toFixed(2)} KB`
}

/** What is used of it (developers.weixin.qq.com/miniprogram/dev/devtools/ci.html). It has no types of its own. */
interface MiniprogramCi {
  packNpmManually(options: {
    packageJsonPath: string
    miniprogramNpmDistDir: string
    ignores?: string[]
  }): Promise<{ miniProgramPackNum: number; otherNpmPackNum: number; warnList: unknown[] }>
}

/** Not a dependency: it brings a thousand packages with it. */
function miniprogramCi(): MiniprogramCi | undefined {
  try {
    return require('miniprogram-ci')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
