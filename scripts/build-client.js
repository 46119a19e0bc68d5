// Builds weapp-session-client: client/src → client/dist, for each entry one CommonJS file and one file of declarations.
// Mini programs copy that folder as it is, so nothing else may be in it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'client/dist')

/** Beside the main one. */
const OTHERS = ['core', 'http', 'events']

/** What the core has, the others take from there: nothing is shipped twice. Event streams need none of it. */
const CORE = 'session|errors|util|urls|storage|answer|refusal'

/** What others need of the core, by module. */
const shared = new Map()

const files = bundleDeclarations()
for (const name of ['index', 'http', 'events']) files[`${name}.js`] = asCommonJs(await bundle(name))
files['core.js'] = asCommonJs(await bundle('core'))

mkdirSync(dist, { recursive: true })
for (const name of readdirSync(dist)) if (!(name in files)) rmSync(join(dist, name), { recursive: true })
for (const [name, text] of Object.entries(files)) {
  // What is right already is left alone: tests build too, and others may be reading.
  const path = join(dist, name)
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
}

/** One entry as an ES module. The core comes last: it exports what the others have asked for, too. */
async function bundle(name) {
  const entry = `client/src/${name}.ts`
  const ofOthers = Array.from(
    shared,
    ([module, names]) => `export { ${[...names].sort().join(', ')} } from './${module}.ts'`,
  )
  const stdin = {
    contents: [`export * from './core.ts'`, ...ofOthers].join('\n'),
    resolveDir: join(root, 'client/src'),
    loader: 'ts',
  }
  const { outputFiles } = await build({
    ...(name === 'core'
      ? { stdin }
      : { entryPoints: [join(root, entry)], plugins: name === 'events' ? [] : [takeFromCore()] }),
    bundle: true,
    format: 'esm',
    target: 'es2017',
    charset: 'utf8',
    write: false,
    // Where the code is must not depend on where it is built.
    absWorkingDir: root,
  })
  return outputFiles[0].text
}

/** Leaves the modules of the core where they are, under a name of their own until the bundle is written. */
function takeFromCore() {
  const filter = RegExp(`^\\./(${CORE})\\.js$`)
  return {
    name: 'take-from-core',
    setup({ onResolve }) {
      onResolve({ filter }, ({ path }) => ({ path: path.replace(/\.js$/, '.core'), external: true }))
    },
  }
}

/**
 * A bundle as CommonJS. The module is its default export, if there is one, with the others as its properties: esbuild's own
 * CommonJS format cannot say that. The last statement is put into the words that Node finds named exports by.
 */
function asCommonJs(text) {
  const required = text.replace(/^import \{([^}]*)\} from "\.\/(\w+)\.core";$/gm, (_, list, module) => {
    const names = list.split(',').map((item) => item.trim().split(' as '))
    const known = shared.get(module) ?? new Set()
    shared.set(module, known)
    for (const [name] of names) known.add(name)
    return `const { ${names.map((pair) => pair.join(': ')).join(', ')} } = require('./core.js');`
  })
  const [statement, list] = /^export \{([^}]*)\};\s*$/m.exec(required) ?? fail('the bundle exports nothing')
  const names = list.split(',').map((item) => item.trim().split(' as '))
  const assignments = names.map(([local, name = local]) => `module.exports.${name} = ${local};\n`)
  const [main] = names.find(([, name]) => name === 'default') ?? []
  const module = (main ? [`module.exports = ${main};\n`] : []).concat(assignments.sort()).join('')
  return `"use strict";\n${required.replace(statement, () => module)}`
}

/**
 * The same of the types: the default export is the module, and all others are in its namespace. It is what TypeScript
 * before 5 understands too (`export type *` is not), and one file leaves no way past it to what is private. The other
 * entries take their types from there.
 */
function bundleDeclarations() {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-client-'))
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const flags = ['--noEmit', 'false', '--emitDeclarationOnly', '--outDir', folder]
    execFileSync(process.execPath, [tsc, '-p', join(root, 'client'), ...flags], { stdio: 'inherit' })
    const declared = OTHERS.map((name) => [`${name}.d.ts`, entryOf(join(folder, `client/src/${name}.d.ts`))])
    return {
      'index.d.ts': namespaceOf(join(folder, 'client/src/index.d.ts')),
      ...Object.fromEntries(declared),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What another entry declares. All that it names is public, so it is in the main one too. */
function entryOf(path) {
  return readFileSync(path, 'utf8').replace(
    /^((?:import|export)\b[^\n]*? from )'\.[^']*';$/gm,
    "$1'./index.js';",
  )
}

function namespaceOf(entry) {
  const modules = modulesFrom(entry)
  const isPublic = publicNames(modules, entry)
  const declared = new Map()
  for (const { declarations } of modules.values()) {
    for (const [name, text] of declarations) {
      if (declared.has(name)) fail(`${name} is declared in two modules of client/src: rename one`)
      declared.set(name, text)
    }
  }

  const main = declared.get('request') ?? fail('there is no function request')
  const signature = main.replace('export default', 'declare').replace(/\b[A-Z]\w*/g, (name) => {
    return isPublic.has(name) ? `request.${name}` : name
  })
  const members = Array.from(needed(declared, isPublic), (name) => {
    const text = declared
      .get(name)
      .replace(/^(export )?(declare )?(?=\w)/m, isPublic.has(name) ? 'export ' : '')
    return text.replace(/^(?=.)/gm, '    ')
  })

  return [
    signature,
    'declare namespace request {\n',
    ...members,
    // Also says that what has no `export` here is private.
    '    export { request as default };\n}\n',
    'export = request;\n',
  ].join('')
}

/** All modules that a declaration file needs: what they declare, and whose names they pass on. */
function modulesFrom(path, modules = new Map()) {
  if (modules.has(path)) return modules
  const text = readFileSync(path, 'utf8')
  const links = Array.from(
    text.matchAll(/^(import|export)\b([^\n]*?) from '(\.[^']*)';$/gm),
    ([, kind, what, from]) => {
      return { kind, what, path: resolve(dirname(path), from.replace(/\.js$/, '.d.ts')) }
    },
  )
  const body = text.replace(/^(import|export)\b[^\n]* from '[^']*';\n|^export \{\};\n/gm, '')
  modules.set(path, { links, declarations: declarationsIn(body) })
  for (const link of links) modulesFrom(link.path, modules)
  return modules
}

/** Name and text of each declaration, its comment included. Those that are not at the margin belong to another. */
function declarationsIn(body) {
  const start =
    /^(?:\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?(?:export )?(?:default )?(?:declare )?(?:type|interface|class|function|const) (\w+)/gm
  const starts = Array.from(body.matchAll(start))
  return starts.map(({ index, 1: name }, i) => [name, body.slice(index, starts[i + 1]?.index)])
}

/** What the entry passes on by name, or all that a module of types exports. */
function publicNames(modules, entry) {
  const names = new Set()
  for (const { kind, what, path } of modules.get(entry).links) {
    if (kind === 'import') continue
    const [, list] = /\{(.*)\}/.exec(what) ?? []
    if (list) for (const [, name] of list.matchAll(/(?:type )?(\w+)(?=,|\s*$)/g)) names.add(name)
    else {
      for (const [name, text] of modules.get(path).declarations) if (/^export /m.test(text)) names.add(name)
    }
  }
  return names
}

/** The public names, and those that they need, however far away. */
function needed(declared, names) {
  const all = new Set(names)
  for (const name of all) {
    const text = declared.get(name) ?? fail(`${name} is exported, and declared nowhere`)
    for (const [word] of text.replace(/\/\*\*[\s\S]*?\*\//g, '').matchAll(/[A-Za-z_]\w*/g))
      if (word !== 'request' && declared.has(word)) all.add(word)
  }
  return all
}

function fail(message) {
  throw new Error(`build-client: ${message}`)
}
