/**
 * What the packages export, read from their declarations: TypeScript 7 has no interface for programs, and what the
 * compiler writes is regular enough to be read by lines.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What is imported by one name. */
export interface Entry {
  name: string
  exports: Export[]
}

/** A name that users may write. */
export interface Export {
  name: string
  kind: 'function' | 'class' | 'interface' | 'type' | 'const'
  comment: Comment
  /** The declaration, as the compiler wrote it, without its own comment. */
  code: string
  members: Member[]
}

/** A field or method of an interface or a class. */
export interface Member {
  name: string
  comment: string
  code: string
}

export interface Comment {
  text: string
  throws: string[]
  examples: string[]
}

/** Every entry point of all packages. The client has to be built, the others need not be. */
export function readEntries(): Entry[] {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-api-'))
  try {
    const server = declare(root, join(folder, 'server'))
    const simulator = declare(join(root, 'simulator'), join(folder, 'simulator'))
    const client = namespaceOf(readFileSync(join(root, 'client/dist/index.d.ts'), 'utf8'))
    return [
      { name: 'koa-weapp-session', exports: exportsOf(join(server, 'index.d.ts')) },
      { name: 'koa-weapp-session/testing', exports: exportsOf(join(server, 'testing/index.d.ts')) },
      { name: 'weapp-session-client', exports: client },
      { name: 'weapp-simulator', exports: exportsOf(join(simulator, 'index.d.ts')) },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes the declarations of a project into a folder, and returns that folder. */
function declare(project: string, folder: string): string {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--emitDeclarationOnly', '--outDir', folder]
  execFileSync(process.execPath, [tsc, '-p', project, ...flags], { stdio: 'inherit' })
  return folder
}

function exportsOf(path: string): Export[] {
  const text = readFileSync(path, 'utf8')
  const lists = text.matchAll(/^export (?:type )?\{([^}]*)\} from '([^']*)\.js';/gm)
  const all = Array.from(lists, ([, names = '', from = '']) => {
    const declared = declarationsIn(readFileSync(resolve(dirname(path), `${from}.d.ts`), 'utf8'))
    const listed = names.split(',').filter((name) => name.trim() !== '')
    return listed.map((name) => {
      const plain = name.replace(/^\s*(type )?/, '').trim()
      return declared.get(plain) ?? fail(`${plain} is not declared in ${from}`)
    })
  })
  return inOrder(all.flat())
}

const KINDS: Export['kind'][] = ['function', 'class', 'const', 'interface', 'type']

/** What is called before what it takes. */
function inOrder(all: Export[]): Export[] {
  return KINDS.flatMap((kind) => all.filter((one) => one.kind === kind))
}

/** The client is one function, with everything else in its namespace. */
function namespaceOf(text: string): Export[] {
  const [before = '', rest = ''] = text.split('declare namespace request {\n')
  const inside = rest.slice(0, rest.indexOf('    export { request as default };')).replace(/^ {4}/gm, '')
  const all = [...declarationsIn(before).values(), ...declarationsIn(inside).values()]
  const isPublic = ({ name, kind }: Export) =>
    name === 'request' || new RegExp(`^export ${kind} ${name}\\b`, 'm').test(inside)
  return inOrder(all.filter(isPublic))
}

const DECLARATION =
  /^(?:(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n)?((?:export )?(?:declare )?(type|interface|class|function|const) (\w+)[\s\S]*?)(?=\n(?:\/\*\*|export |declare |type |interface |class |function |const )|(?![\s\S]))/gm

function declarationsIn(text: string): Map<string, Export> {
  const found = new Map<string, Export>()
  for (const [, comment = '', body = '', kind, name = ''] of text.matchAll(DECLARATION)) {
    const code = body
      .replace(/^export |^declare |\n\/\/# .*|\nexport \{\};/gm, '')
      .replace(/^declare /, '')
      .trim()
    const members = kind === 'interface' || kind === 'class' || code.includes('{') ? membersOf(code) : []
    // An overload stands beside the first.
    const before = found.get(name)
    if (before) before.code += `\n${code}`
    else found.set(name, { name, kind: kind as Export['kind'], comment: parse(comment), code, members })
  }
  return found
}

/** Members stand four blanks from the margin, their comments above them. */
function membersOf(code: string): Member[] {
  const member =
    /(?:^ {4}(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n)?^ {4}((?:readonly |get )?\[?(\w+)\]?[?(<:][^\n]*)/gm
  return Array.from(code.matchAll(member), ([, comment = '', line = '', name = '']) => {
    return { name, comment: parse(comment).text, code: line }
  })
}

function parse(comment: string): Comment {
  const lines = comment.replace(/^\/\*\*|\*\/$/g, '').split('\n')
  const text = lines.map((line) => line.replace(/^\s*\* ?/, '')).join('\n')
  const [description = '', ...tags] = text.split(/^@/m)
  const of = (tag: string) =>
    tags.filter((text) => text.startsWith(tag)).map((text) => text.slice(tag.length).trim())
  return { text: description.trim(), throws: of('throws'), examples: of('example') }
}

function fail(message: string): never {
  throw new Error(`api: ${message}`)
}
