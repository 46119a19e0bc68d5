/** Reads who imports whom, and says in sentences where that breaks the rules of import-rules.ts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'
import { EXCEPTIONS, type Exception, LAYERS, LIMITS, PACKAGES } from './import-rules.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const CODE = /\.(ts|js)$/

/** The imports of one file, as paths from the project's folder; packages by their names. */
export interface Imports {
  file: string
  files: string[]
  packages: string[]
}

/** The imports of every source file: the server, the client, the simulator. */
export function readImports(): Imports[] {
  const folders = ['src', 'client/src', 'simulator'].filter((folder) => existsSync(join(root, folder)))
  return folders.flatMap(sourcesIn).map((file) => importsOf(file, readFileSync(join(root, file), 'utf8')))
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ['dist', 'node_modules'].includes(entry.name) ? [] : sourcesIn(path)
    return CODE.test(path) ? [path] : []
  })
}

/** Types count too: a file that names a type knows the file it comes from. */
export function importsOf(file: string, text: string): Imports {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message}`)
  const names = new Set<string>()
  new Visitor({
    ImportDeclaration: ({ source }) => names.add(source.value),
    ExportAllDeclaration: ({ source }) => names.add(source.value),
    ExportNamedDeclaration: ({ source }) => source && names.add(source.value),
    ImportExpression: ({ source }) =>
      source.type === 'Literal' && typeof source.value === 'string' && names.add(source.value),
    TSImportType: ({ source }) => names.add(source.value),
  }).visit(program)
  const all = [...names]
  return {
    file,
    files: all.filter((name) => name.startsWith('.')).map((name) => sourceAt(join(dirname(file), name))),
    packages: all
      .filter((name) => !/^(\.|node:)/.test(name))
      .map((name) =>
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
  }
}

/** TypeScript's files are imported by the names of what they become. */
function sourceAt(path: string): string {
  const source = path.replace(/\.js$/, '.ts')
  return existsSync(join(root, path)) && !existsSync(join(root, source)) ? path : source
}

/** One sentence for each import that breaks a rule, each circle, and each exception that nothing needs. */
export function brokenRules(all: Imports[], exceptions: Exception[] = EXCEPTIONS): string[] {
  const isExcepted = (from: string, to: string) =>
    exceptions.some((exception) => exception.from === from && exception.to === to)
  const allowed = all.map((one) => ({ ...one, files: one.files.filter((to) => !isExcepted(one.file, to)) }))
  const isIdle = ({ from, to }: Exception) => {
    const isThere = all.some(({ file, files }) => file === from && files.includes(to))
    return !isThere || (breaches(from, to).length === 0 && !leadsTo(all, to, from))
  }
  return [
    ...all
      .filter(({ file }) => isServer(file) && layerOf(file) < 0)
      .map(({ file }) => `${file} is in no layer: say in scripts/import-rules.ts what it may import.`),
    ...allowed.flatMap(({ file, files, packages }) => [
      ...files.flatMap((to) => breaches(file, to).map((rule) => `${file} imports ${to}. ${rule}.`)),
      ...packages.flatMap((to) => packageBreach(file, to).map((rule) => `${file} imports ${to}. ${rule}.`)),
    ]),
    ...circles(allowed).map((circle) => {
      return `${[...circle, circle[0]].join(' imports ')}. Imports form no circle.`
    }),
    ...exceptions.filter(isIdle).map(({ from, to }) => {
      return `${from} need not import ${to} by exception any more: remove that from scripts/import-rules.ts.`
    }),
  ]
}

function breaches(from: string, to: string): string[] {
  const limits = LIMITS.filter(({ from: sources, target, allowed, exempt = [] }) => {
    return isIn(from, sources) && !isIn(from, exempt) && isIn(to, target) && !isIn(to, allowed)
  })
  const [own, other] = [layerOf(from), layerOf(to)]
  const isUpward = own >= 0 && other >= 0 && other < own
  const upward = `"${LAYERS[own]?.name}" stands below "${LAYERS[other]?.name}" and does not import it`
  return [...limits.map(({ rule }) => rule), ...(isUpward ? [upward] : [])]
}

function packageBreach(from: string, name: string): string[] {
  const homes = PACKAGES[name]
  if (!homes || isIn(from, homes)) return []
  return [`Only ${homes.join(' and ')} ${homes.length > 1 ? 'load' : 'loads'} the package ${name}`]
}

function isServer(file: string): boolean {
  return isIn(file, ['src/'])
}

function layerOf(file: string): number {
  return LAYERS.findIndex(({ paths }) => isIn(file, paths))
}

function isIn(file: string, paths: string[]): boolean {
  return paths.some((path) => (path.endsWith('/') ? file.startsWith(path) : file === path))
}

function leadsTo(all: Imports[], from: string, to: string, seen = new Set<string>()): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  const files = all.find(({ file }) => file === from)?.files ?? []
  return files.some((file) => leadsTo(all, file, to, seen))
}

/** Every circle once, from its first file in the alphabet. */
function circles(all: Imports[]): string[][] {
  const graph = new Map(all.map(({ file, files }) => [file, files]))
  const found = new Map<string, string[]>()
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) {
      const circle = path.slice(at)
      const first = circle.indexOf([...circle].sort()[0] ?? '')
      const turned = [...circle.slice(first), ...circle.slice(0, first)]
      found.set(turned.join(), turned)
    } else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...path, file])
      done.add(file)
    }
  }
  for (const { file } of all) visit(file, [])
  return [...found.values()]
}
