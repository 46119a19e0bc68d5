/** Reads declaration files: who exports what, and what that is declared with. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  type Comment as CommentNode,
  type Directive,
  type ExportNamedDeclaration,
  parseSync,
  type Span,
  type Statement,
  Visitor,
} from 'oxc-parser'

export type Kind = 'function' | 'class' | 'interface' | 'type' | 'const' | 'module'

/** A declaration at the margin of a module, or of the client's namespace. */
export interface Declaration {
  name: string
  kind: Kind
  comment: Comment
  /** As the compiler wrote it, without its own comment; overloads follow the first. */
  code: string
  members: Member[]
  /** Names that it is declared with: types, and constants of `typeof`. */
  uses: string[]
  /** The file where those names are looked up. */
  path: string
}

/** A field or method of an interface, a class or an object type. */
export interface Member {
  /** `outer.inner` where an object type stands in another. */
  name: string
  comment: string
  code: string
}

export interface Comment {
  text: string
  throws: string[]
  examples: string[]
}

/** A name in another file. */
interface Link {
  path: string
  name: string
}

/** What one file declares, takes from others, and passes on. */
interface Module {
  declared: Map<string, Declaration>
  imported: Map<string, Link>
  /** In the order of the file. */
  exported: Map<string, Link>
  /** `export * from`. */
  stars: string[]
  augmentations: Declaration[]
}

/** The declarations that are reached from one file. */
export class Declarations {
  readonly #path: string
  readonly #modules = new Map<string, Module>()

  constructor(path: string) {
    this.#path = path
  }

  /** What the file exports, wherever it is declared. */
  exports(path: string = this.#path): Declaration[] {
    const { exported, stars } = this.#module(path)
    const named = Array.from(exported, ([name, link]) => {
      return { ...this.#find(link), name: name === 'default' ? link.name : name }
    })
    return [...named, ...stars.flatMap((star) => this.exports(star))]
  }

  /** What these are declared with, however far away, except themselves and what packages declare. */
  neededBy(declarations: Declaration[]): Declaration[] {
    const known = new Set(declarations.map(keyOf))
    const needed: Declaration[] = []
    const visit = ({ uses, path }: Declaration): void => {
      for (const name of uses) {
        const used = this.#lookUp(path, name)
        if (!used || known.has(keyOf(used))) continue
        known.add(keyOf(used))
        needed.push(used)
        visit(used)
      }
    }
    declarations.forEach(visit)
    return needed
  }

  /** What the files of these add to other modules. */
  augmentations(declarations: Declaration[]): Declaration[] {
    const paths = new Set(declarations.map(({ path }) => path))
    return [...paths].flatMap((path) => this.#module(path).augmentations)
  }

  #find({ path, name }: Link): Declaration {
    const { declared, exported, stars } = this.#module(path)
    const link = exported.get(name)
    if (link && link.path !== path) return this.#find(link)
    const own = declared.get(link?.name ?? name)
    if (own) return own
    const [found] = stars.flatMap((star) => this.exports(star)).filter((one) => one.name === name)
    if (found) return found
    throw new Error(`${name} is not declared in ${path}`)
  }

  #lookUp(path: string, name: string): Declaration | undefined {
    const { declared, imported } = this.#module(path)
    const link = imported.get(name)
    return link ? this.#find(link) : declared.get(name)
  }

  #module(path: string): Module {
    const known = this.#modules.get(path) ?? read(path)
    this.#modules.set(path, known)
    return known
  }
}

/** Tells declarations of one name apart. */
export function keyOf({ path, code }: Declaration): string {
  return `${path} ${code}`
}

function read(path: string): Module {
  const text = readFileSync(path, 'utf8')
  const { program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const module: Module = {
    declared: new Map(),
    imported: new Map(),
    exported: new Map(),
    stars: [],
    augmentations: [],
  }
  const place = { path, text, comments }
  const namespace = program.body.find((one) => one.type === 'TSExportAssignment')
  for (const statement of program.body) readStatement(statement, place, module)
  // The client is one function, with all else in the namespace of its name.
  if (namespace?.expression.type === 'Identifier') {
    const { name } = namespace.expression
    module.exported = new Map([[name, { path, name }], ...module.exported])
  }
  return module
}

interface Place {
  path: string
  text: string
  comments: CommentNode[]
}

function readStatement(statement: Statement | Directive, place: Place, module: Module): void {
  const { path } = place
  const linkTo = (from: string) => resolve(dirname(path), from.replace(/\.js$/, '.d.ts'))
  if (statement.type === 'ImportDeclaration') {
    if (!statement.source.value.startsWith('.')) return
    for (const one of statement.specifiers) {
      if (one.type !== 'ImportSpecifier') continue
      const link = { path: linkTo(statement.source.value), name: nameOf(one.imported) }
      module.imported.set(one.local.name, link)
    }
  } else if (statement.type === 'ExportAllDeclaration') {
    module.stars.push(linkTo(statement.source.value))
  } else if (statement.type === 'ExportNamedDeclaration') {
    readExport(statement, place, module)
  } else {
    declare(statement, statement, place, module)
  }
}

function readExport(statement: ExportNamedDeclaration, place: Place, module: Module): void {
  const { declaration, source, specifiers } = statement
  const from = source ? resolve(dirname(place.path), source.value.replace(/\.js$/, '.d.ts')) : place.path
  for (const { local, exported } of specifiers) {
    const link = module.imported.get(nameOf(local)) ?? { path: from, name: nameOf(local) }
    if (nameOf(exported) !== 'default') module.exported.set(nameOf(exported), link)
  }
  if (!declaration) return
  const name = declare(declaration, statement, place, module)
  if (name) module.exported.set(name, { path: place.path, name })
}

/** Keeps a declaration. `whole` is the statement that its comment stands before. */
function declare(node: Statement | Directive, whole: Span, place: Place, module: Module): string | undefined {
  if (node.type === 'TSModuleDeclaration') {
    if (node.id.type === 'Literal') {
      module.augmentations.push(declaration(node.id.value, 'module', node, whole, place))
    } else if (node.body?.type === 'TSModuleBlock') {
      for (const one of node.body.body) readStatement(one, place, module)
    }
    return undefined
  }
  const named = nameAndKind(node)
  if (!named) return undefined
  const [name, kind] = named
  const found = declaration(name, kind, node, whole, place)
  const before = module.declared.get(name)
  module.declared.set(name, before ? merged(before, found) : found)
  return name
}

function nameAndKind(node: Statement | Directive): [name: string, kind: Kind] | undefined {
  switch (node.type) {
    case 'TSDeclareFunction':
    case 'FunctionDeclaration':
      return node.id ? [node.id.name, 'function'] : undefined
    case 'ClassDeclaration':
      return node.id ? [node.id.name, 'class'] : undefined
    case 'TSInterfaceDeclaration':
      return [node.id.name, 'interface']
    case 'TSTypeAliasDeclaration':
      return [node.id.name, 'type']
    case 'VariableDeclaration': {
      const [one] = node.declarations
      return one?.id.type === 'Identifier' ? [one.id.name, 'const'] : undefined
    }
    default:
      return undefined
  }
}

function declaration(name: string, kind: Kind, node: Span, whole: Span, place: Place): Declaration {
  const { path, text } = place
  const margin = text.slice(text.lastIndexOf('\n', whole.start) + 1, whole.start).length
  const code = text
    .slice(node.start, node.end)
    .replace(/^declare (?!module)/, '')
    .replace(new RegExp(`^ {${margin}}`, 'gm'), '')
  return { name, kind, comment: parseComment(commentBefore(whole, place)), code, ...inside(code), path }
}

function merged(first: Declaration, next: Declaration): Declaration {
  return {
    ...first,
    code: `${first.code}\n${next.code}`,
    members: [...first.members, ...next.members],
    uses: [...first.uses, ...next.uses],
  }
}

/** Members, and the names that are used, of a declaration by itself. */
function inside(code: string): { members: Member[]; uses: string[] } {
  const { program, comments } = parseSync('declaration.d.ts', code)
  const place = { path: '', text: code, comments }
  const members: Member[] = []
  const uses = new Set<string>()
  /** The members that the next may be a part of, and where they end. */
  let around: { name: string; end: number }[] = []
  const add = (key: string | undefined, node: Span) => {
    if (key === undefined) return
    around = [...around.filter(({ end }) => end > node.start), { name: key, end: node.end }]
    const { text } = parseComment(commentBefore(node, place))
    members.push({
      name: around.map(({ name }) => name).join('.'),
      comment: text,
      code: code.slice(node.start, node.end),
    })
  }
  const keyName = ({ key }: { key: { type: string; name?: unknown } }) =>
    key.type === 'Identifier' && typeof key.name === 'string' ? key.name : undefined
  new Visitor({
    TSPropertySignature: (node) => add(keyName(node), node),
    TSMethodSignature: (node) => add(keyName(node), node),
    PropertyDefinition: (node) => add(keyName(node), node),
    MethodDefinition: (node) => add(keyName(node), node),
    TSTypeReference: ({ typeName }) => uses.add(leftmost(typeName)),
    TSTypeQuery: ({ exprName }) => uses.add(leftmost(exprName)),
    TSInterfaceHeritage: ({ expression }) => uses.add(leftmost(expression)),
    TSClassImplements: ({ expression }) => uses.add(leftmost(expression)),
    ClassDeclaration: ({ superClass }) => superClass && uses.add(leftmost(superClass)),
  }).visit(program)
  return { members, uses: [...uses] }
}

/** The first word of `a.b.c`. In the client, that of `request.Call` is its namespace's. */
function leftmost(node: { type: string; name?: unknown; left?: unknown }): string {
  if (typeof node.name === 'string') return node.name
  const { left } = node
  return typeof left === 'object' && left !== null ? leftmost(left as typeof node) : ''
}

function nameOf(node: { type: string; name?: unknown; value?: unknown }): string {
  return String(node.type === 'Literal' ? node.value : node.name)
}

/** The text of a comment that ends where a node begins. */
function commentBefore({ start }: Span, { text, comments }: Place): string {
  const before = comments.filter((one) => one.end <= start).at(-1)
  if (!before?.value.startsWith('*') || text.slice(before.end, start).trim() !== '') return ''
  return before.value.slice(1)
}

function parseComment(comment: string): Comment {
  const text = comment.replace(/^[ \t]*\* ?/gm, '')
  const [description = '', ...tags] = text.split(/^@/m)
  const of = (tag: string) =>
    tags.filter((text) => text.startsWith(tag)).map((text) => text.slice(tag.length).trim())
  return { text: description.trim(), throws: of('throws'), examples: of('example') }
}
