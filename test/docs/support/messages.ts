import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from './markdown.js'

/** A message that the code can say. */
export interface Message {
  /** `src/options.ts:12` */
  where: string
  /** A code, such as `WEAPP_REDIS`, a reason, or nothing for the mistakes of options. */
  code: string
  /** What is filled in is `…`. */
  text: string
  /** The function that is given it, if there is one. */
  by?: string
}

interface Node {
  type: string
  start: number
  // biome-ignore lint/suspicious/noExplicitAny: a tree of many types
  [name: string]: any
}

/** Functions that are given a message, and which of their arguments it is. */
const SAY: Record<string, number> = {
  optionError: 0,
  // Of one file each: they add what is the same in all of them.
  badRequest: 0,
  malformed: 0,
  foreign: 0,
  contradiction: 0,
  refuse: 0,
  // A warning: its code comes first.
  warn: 1,
  once: 1,
  rarely: 1,
  refused: 1,
  // Of a client's call that stops, and of the errors that a handler gets.
  stop: 1,
  WechatApiError: 1,
  warnInProduction: 1,
}

/** What a message begins with, to say whose it is. */
const OWNER = /^(?:koa-weapp-session|weapp-session-client): /

/** Every message of the sources in a folder. */
export function messagesIn(folder: string): Message[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => messagesOf(`${folder}/${file}`, readFileSync(join(root, folder, file), 'utf8')))
}

export function sourceOf(folder: string): string {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  const sources = files.filter((file) => file.endsWith('.ts'))
  return sources.map((file) => readFileSync(join(root, folder, file), 'utf8')).join('\n')
}

export function messagesOf(path: string, source: string): Message[] {
  const program = parseSync(path, source).program as unknown as Node
  const constants = new Map<string, Node>()
  const names = new Set<string>()
  const nodes: Node[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one)
      return
    }
    if (typeof value !== 'object' || value === null || !('type' in value)) return
    const node = value as Node
    nodes.push(node)
    const declared: Node[] = node.type === 'VariableDeclarator' ? [node.id] : (node.params ?? [])
    for (const { name } of Array.isArray(declared) ? declared : []) {
      if (name === undefined) continue
      // Of two with one name, nobody knows here which is meant.
      if (!names.has(name) && node.type === 'VariableDeclarator' && node.init) constants.set(name, node.init)
      else constants.delete(name)
      names.add(name)
    }
    for (const [name, child] of Object.entries(node)) if (name !== 'parent') visit(child)
  }
  visit(program)

  const found: Message[] = []
  const say = (node: Node, code: string | undefined, text: string, by?: string) => {
    // What is filled in altogether is said, with its words, where it is made; the name of the page is no word.
    if (!/[a-z]{2}/i.test(text.replace(OWNER, '').replace('docs/errors.md', ''))) return
    const where = `${path}:${source.slice(0, node.start).split('\n').length}`
    found.push({
      where,
      code: code ?? '',
      text: text.replace(/…+/g, '…').replace(OWNER, ''),
      ...(by && { by }),
    })
  }
  for (const node of nodes) {
    if (node.type === 'CallExpression' || node.type === 'NewExpression') {
      const name: string = node.callee.name ?? node.callee.property?.name
      const args = node.arguments as Node[]
      const place = Object.hasOwn(SAY, name) ? SAY[name] : undefined
      // The client's warnings have no code.
      const at = name === 'warn' && args.length === 1 ? 0 : place
      const message = at === undefined ? undefined : args[at]
      if (message) {
        const code = at === 1 && args[0] ? textsOf(args[0], constants)[0] : undefined
        for (const text of textsOf(message, constants)) say(node, code, text, name)
      }
      if (name === 'Error' || name === 'TypeError')
        for (const text of args[0] ? textsOf(args[0], constants) : [])
          if (text.startsWith('koa-weapp-session: ')) say(node, undefined, text)
    }
    // Made before it is said.
    if (node.type === 'VariableDeclarator' && node.id.name === 'message' && node.init)
      for (const text of textsOf(node.init, constants)) say(node, undefined, text)
    if (node.type === 'ReturnStatement' && node.argument)
      for (const text of textsOf(node.argument, constants)) if (isSentence(text)) say(node, undefined, text)
    // Of a list, by codes and by WeChat's errcodes.
    if (node.type === 'Property' && node.value.type !== 'ArrayExpression') {
      const key = String(node.key?.name ?? node.key?.value)
      if (/^(ERR_\w+|\d{5})$/.test(key))
        for (const text of textsOf(node.value, constants))
          if (text.includes(' ')) say(node, key.replace(/^(?=\d)/, 'WEAPP_'), text)
    }
    if (node.type === 'ObjectExpression') {
      const properties = new Map<string, Node>(
        node.properties.map((property: Node) => [property.key?.name, property.value]),
      )
      const message = properties.get('message')
      const code = properties.get('code')
      const reason = code && textsOf(code, constants)[0]
      for (const text of message ? textsOf(message, constants) : [])
        if (/^[A-Z]|^…/.test(text)) say(node, reason, text)
    }
  }
  return found
}

/** What a node can be, as far as it is written there. */
function textsOf(node: Node, constants: Map<string, Node>): string[] {
  switch (node.type) {
    case 'Literal':
      return [String(node.value)]
    case 'TemplateLiteral': {
      let texts = ['']
      for (const [i, { value }] of (node.quasis as Node[]).entries()) {
        const filled = node.expressions[i] ? textsOf(node.expressions[i], constants) : ['']
        // Only what stands beside it can be either.
        const either = filled.length <= 3 && node.expressions[i]?.type !== 'CallExpression' ? filled : ['…']
        texts = texts.flatMap((text) => either.map((one) => text + value.cooked + one))
      }
      return texts
    }
    case 'BinaryExpression': {
      if (node.operator !== '+') return ['…']
      const [left, right] = [textsOf(node.left, constants), textsOf(node.right, constants)]
      return left.flatMap((one) => right.map((other) => one + other))
    }
    case 'ConditionalExpression':
      return [...textsOf(node.consequent, constants), ...textsOf(node.alternate, constants)]
    case 'Identifier': {
      const named = constants.get(node.name)
      return named && /^(Literal|TemplateLiteral|BinaryExpression)$/.test(named.type)
        ? textsOf(named, constants)
        : ['…']
    }
    case 'CallExpression':
      return node.callee.property?.name === 'trim' ? textsOf(node.callee.object, constants) : ['…']
    default:
      return ['…']
  }
}

/** Five words, and nothing that only code has. */
function isSentence(text: string): boolean {
  return /(?:[\w…'()]+[,:;]? ){4}/.test(text) && !/\n|=>/.test(text)
}
