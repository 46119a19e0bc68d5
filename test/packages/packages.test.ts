import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { readPage } from '../docs/support/markdown.js'
import { freePort } from '../support/redis.js'
import { type Packed, packClient, packServer, packSimulator, root, run } from './support/pack.js'

let folder: string
/** A project of its own, into which the packages were installed. */
let project: string
let server: Packed
let client: Packed
let simulator: Packed

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weapp-packages-'))
  ;[server, client, simulator] = await Promise.all([
    packServer(folder),
    packClient(folder),
    packSimulator(folder),
  ])
  project = await mkdtemp(join(tmpdir(), 'weapp-newcomer-'))
  // What the README says, with the tarballs for the names that are not published yet.
  const tarballs: Record<string, string> = {
    'koa-weapp-session': server.path,
    'weapp-session-client': client.path,
    'weapp-simulator': simulator.path,
  }
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1']
  for (const line of installsOf('README.md')) {
    const names = line.replace(/^npm install /, '').split(' ')
    await run('npm', ['install', ...flags, ...names.map((name) => tarballs[name] ?? name)], { cwd: project })
  }
})

test.after.always(async () => {
  for (const path of [folder, project].filter(Boolean)) await rm(path, { recursive: true, force: true })
})

test('README.md: it leads from npm install to a logged-in request', async (t) => {
  for (const readme of ['README.md', 'README.zh-CN.md']) {
    // The port is somebody else's on a busy machine.
    const port = `${await freePort()}`
    for (const [file, text] of programsIn(readme))
      await writeFile(join(project, file), text.replaceAll('3000', port))
    const commands = readPage(readme).blocks.filter(({ lang, text }) => lang === 'sh' && /^node /.test(text))
    t.is(commands.length, 1)

    const { stdout } = await run('sh', ['-c', commands[0]?.text ?? ''], { cwd: project })

    const ids = Array.from(stdout.matchAll(/openId: '(o[\w-]{27})'/g), ([, id]) => id)
    t.is(ids.length, 2, readme)
    t.is(ids[0], ids[1], readme)
    // What the command's comment says that it prints.
    const carts = (text = '') => Array.from(text.matchAll(/cart: \[.*?\]/g), ([cart]) => cart)
    t.deepEqual(carts(stdout), carts(commands[0]?.text), readme)
    t.is(carts(stdout).length, 2)
  }
})

test('simulator/README.md: its program prints what a server gets for a code', async (t) => {
  for (const readme of ['simulator/README.md', 'simulator/README.zh-CN.md']) {
    const [[file, text] = ['', '']] = programsIn(readme)
    await writeFile(join(project, file), text)

    const { stdout } = await run(process.execPath, [file], { cwd: project })

    t.regex(stdout, /^\{\s+session_key: '[\w+/]{22}==',\s+openid: 'o[\w-]{27}'\s+\}\n$/, readme)
  }
})

test('npm pack: the server package holds what was built, its sources, documents, and nothing else', async (t) => {
  // The inspector is for development, and its page is one file of each kind: neither ships its sources.
  const ofPage = ['html', 'css', 'js'].map((kind) => `dist/inspector/page/page.${kind}`)
  const built = (await builtFrom(join(root, 'src')))
    .filter((path) => !/^(src\/inspector|dist\/inspector\/page)\//.test(path))
    .concat(ofPage)
  const others = server.files.filter((path) => !built.includes(path))

  t.deepEqual(
    built.filter((path) => !server.files.includes(path)),
    [],
  )
  t.deepEqual(
    others.filter((path) => !/^docs\/((api\/)?[\w-]+\.md|images\/[\w.-]+\.svg)$/.test(path)),
    ['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh-CN.md', 'SECURITY.md', 'package.json'],
  )
  t.log(
    `server: ${inKB(server.size)} packed, ${inKB(server.unpackedSize)} unpacked, ${server.files.length} files`,
  )
  t.log(
    `client: ${inKB(client.size)} packed, ${inKB(client.unpackedSize)} unpacked, ${client.files.length} files`,
  )
  t.true(server.size < 400 * 1024)
  const page = ofPage.map((path) => gzipSync(readFileSync(join(root, path))).length)
  t.true(page.reduce((sum, size) => sum + size) < 20 * 1024, `${page}`)
  t.true(client.size < 40 * 1024)
})

test('npm pack: the simulator package holds what was built, its page, and nothing else', async (t) => {
  const isPacked = (path: string) => !path.startsWith('src/') || path.startsWith('src/open/page/')
  const built = (await builtFrom(join(root, 'simulator/src'))).filter(isPacked)
  const page = (await readdir(join(root, 'simulator/page'))).filter((name) => name !== 'tsconfig.json')
  const always = ['LICENSE', 'README.md', 'README.zh-CN.md', 'package.json']

  t.deepEqual(simulator.files, [...built, ...page.map((name) => `page/${name}`), ...always].sort())
  t.log(`simulator: ${inKB(simulator.size)} packed, ${inKB(simulator.unpackedSize)} unpacked`)
  // Programs and their types, half of it comments and signatures, with 20 KB of a page. Sources would be as much again: there are
  // those alone that `weapp-simulator/open` bundles for a browser.
  t.true(simulator.size < 200 * 1024)
})

test('weapp-simulator/open: without the framework that it needs, it says what to install', async (t) => {
  const program = `
    import { openMiniProgram } from 'weapp-simulator/open'
    import { createWechat } from 'weapp-simulator'
    await openMiniProgram({ folder: '.', wechat: createWechat() }).catch(({ code, message }) => console.log(code, message))`
  await writeFile(join(project, 'open.mjs'), program)

  const { stdout } = await run(process.execPath, ['open.mjs'], { cwd: project })

  t.regex(
    stdout,
    /^ERR_OPEN_PACKAGES To open a mini program, install .*: npm install -D esbuild glass-easel@0\.12 /,
  )
})

test('package.json: both manifests are ready to be published', (t) => {
  const [ours, theirs] = ['package.json', 'client/package.json'].map((path) =>
    JSON.parse(readFileSync(join(root, path), 'utf8')),
  )

  for (const { publishConfig, license, version } of [ours, theirs]) {
    t.deepEqual(publishConfig, { access: 'public', provenance: true })
    t.is(license, 'MIT')
    t.is(version, ours.version)
  }
  t.regex(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), new RegExp(`^## ${ours.version} `, 'm'))
  // The mini program's builder builds the dependencies of what it builds.
  t.is(theirs.dependencies, undefined)
  const optional = Object.keys(ours.peerDependenciesMeta)
  t.deepEqual(
    Object.keys(ours.peerDependencies).filter((name) => !optional.includes(name)),
    ['koa'],
  )
})

test('package.json: the simulator’s manifest is ready to be published, and the server has it for development', (t) => {
  const [ours, its] = ['package.json', 'simulator/package.json'].map((path) =>
    JSON.parse(readFileSync(join(root, path), 'utf8')),
  )

  for (const field of ['version', 'license', 'engines', 'publishConfig']) t.deepEqual(its[field], ours[field])
  t.is(its.dependencies, undefined)
  t.deepEqual(Object.keys(its.peerDependencies), Object.keys(its.peerDependenciesMeta))
  t.is(ours.devDependencies['weapp-simulator'], its.version)
})

test('exports: the server is imported and required, with each of its entry points', async (t) => {
  const names = entriesOf('package.json')
  const { imported, required } = await load('server', names)

  t.true(names.length >= 2)
  t.is(imported.stdout, required.stdout)
  t.regex(imported.stdout, /weappSession.* jwtCarrier fromExpressStore fromKoaStore storeContract/)
  t.is(imported.stderr, '')
  t.is(required.stderr, '')
})

test('exports: the simulator is imported and required', async (t) => {
  const { imported, required } = await load('simulator', entriesOf('simulator/package.json'))

  t.is(
    imported.stdout,
    'createClock,createSimulatorServer,createWechat OpenError,bundleMiniProgram,createPhoneLines,openMiniProgram\n',
  )
  t.deepEqual(required, imported)
})

test('peerDependencies: without redis and ws, which are optional, nothing is missing until it is asked for', async (t) => {
  const program = `
    import { redisStore, weappSession } from 'koa-weapp-session'
    weappSession({ appId: 'wx', appSecret: 's' })
    const store = redisStore({ url: 'redis://127.0.0.1:1' })
    await store.read('id').catch((error) => console.log(error.message))`
  await writeFile(join(project, 'optional.mjs'), program)

  const { stdout } = await run(process.execPath, ['optional.mjs'], { cwd: project })

  t.regex(stdout, /redis/)
})

/** What `tsc` makes of a folder of sources, and these: all that a package has of them. */
async function builtFrom(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  // For a browser: bundled from its sources when a mini program is opened.
  const page = names.filter((name) => /^open\/page\/.*\./.test(name))
  return names
    .filter((name) => name.endsWith('.ts') && !page.includes(name))
    .flatMap((name) => {
      const stem = `dist/${name.slice(0, -3)}`
      return [`src/${name}`, `${stem}.js`, `${stem}.d.ts`]
    })
    .concat(page.map((name) => `src/${name}`))
}

/** By which names a package is imported. */
function entriesOf(manifest: string): string[] {
  const { name, exports } = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith('.json'))
  return entries.map((entry) => name + entry.slice(1))
}

/** What programs print that import modules, or require them, and list the exports of each. */
async function load(program: string, names: string[]): Promise<Record<'imported' | 'required', Output>> {
  const say = 'console.log(all.map((one) => Object.keys(one).sort().join()).join(" "))'
  const imports = names.map((name, i) => `import * as m${i} from '${name}'`).join('\n')
  const modules = names.map((_, i) => `m${i}`)
  await writeFile(join(project, `load-${program}.mjs`), `${imports}\nconst all = [${modules}]\n${say}`)
  const requires = names.map((name) => `require('${name}')`)
  await writeFile(join(project, `load-${program}.cjs`), `const all = [${requires}]\n${say}`)

  const runs = ['mjs', 'cjs'].map((kind) =>
    run(process.execPath, [`load-${program}.${kind}`], { cwd: project }),
  )
  const [imported, required] = (await Promise.all(runs)) as [Output, Output]
  return { imported, required }
}

interface Output {
  stdout: string
  stderr: string
}

/** Examples that say in their first line which file they are, with that name. */
function programsIn(readme: string): [file: string, text: string][] {
  return readPage(readme).blocks.flatMap(({ text }) => {
    const [, file] = /^\/\/ (\w+\.mjs)\n/.exec(text) ?? []
    return file ? [[file, text]] : []
  })
}

/** What a README installs. */
function installsOf(readme: string): string[] {
  const lines = readPage(readme).blocks.flatMap(({ lang, text }) => (lang === 'sh' ? text.split('\n') : []))
  return lines.filter((line) => line.startsWith('npm install '))
}

function inKB(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`
}
