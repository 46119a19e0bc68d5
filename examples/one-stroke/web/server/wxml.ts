/**
 * Compiles WXML to JavaScript, as WeChat's own tools do: a function from a page's data to a tree of nodes, which
 * page/weapp/render.ts puts on the screen. So the browser needs neither a parser nor `eval`.
 *
 * It knows what the mini program uses: elements, text, `{{ expressions }}`, wx:if, wx:elif, wx:else, wx:for with
 * wx:for-item, wx:for-index and wx:key, `data-…`, and events (`bindtap`, `bind:tap`). What it does not know is an error.
 */
export function compileWxml(source: string): string {
  const children = compileChildren(parse(source), new Set())
  return `export const render = (d, { h, each, text }) => ${children}\n`
}

interface Element {
  tag: string
  attributes: Map<string, string>
  children: (Element | string)[]
}

const COMMENT = /<!--[\s\S]*?-->/g
/** A tag or the text before the next one. Quoted values may hold anything, `>` too. */
const PART = /<(\/?)([\w-]+)((?:\s+[\w:-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(\/?)>|[^<]+|</g
const ATTRIBUTE = /([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g

function parse(source: string): (Element | string)[] {
  const root: Element = { tag: '', attributes: new Map(), children: [] }
  const open = [root]
  for (const [part, slash, tag, attributes = '', selfClosing] of source.replace(COMMENT, '').matchAll(PART)) {
    const parent = open.at(-1) ?? root
    if (tag === undefined) {
      if (part === '<') throw new SyntaxError('WXML: a < that begins no tag')
      if (part.trim() !== '') parent.children.push(part.trim())
    } else if (slash) {
      if (open.length === 1 || parent.tag !== tag)
        throw new SyntaxError(`WXML: </${tag}> closes <${parent.tag}>`)
      open.pop()
    } else {
      const element = { tag, attributes: attributesOf(attributes), children: [] }
      parent.children.push(element)
      if (!selfClosing) open.push(element)
    }
  }
  if (open.length > 1) throw new SyntaxError(`WXML: <${open.at(-1)?.tag}> is never closed`)
  return root.children
}

function attributesOf(text: string): Map<string, string> {
  return new Map(
    Array.from(text.matchAll(ATTRIBUTE), ([, name = '', double, single]) => [
      name,
      double ?? single ?? 'true',
    ]),
  )
}

/** `locals`: what loops have named; every other name is a field of the page's data. */
function compileChildren(children: (Element | string)[], locals: Set<string>): string {
  const parts: string[] = []
  for (const child of children) {
    if (typeof child === 'string') {
      parts.push(`text(${compileValue(child, locals)})`)
      continue
    }
    const otherwise =
      child.attributes.get('wx:elif') ?? (child.attributes.has('wx:else') ? '{{true}}' : undefined)
    const node = compileElement(child, locals)
    if (otherwise === undefined) parts.push(node)
    else {
      // The one before ended with what there is when its condition does not hold: nothing, until now.
      const before = parts.pop()
      if (!before?.endsWith(': null')) throw new SyntaxError('WXML: wx:else without wx:if')
      parts.push(`${before.slice(0, -'null'.length)}${compileValue(otherwise, locals)} ? ${node} : null`)
    }
  }
  return `[${parts.join(',\n')}]`
}

function compileElement({ tag, attributes, children }: Element, locals: Set<string>): string {
  const list = attributes.get('wx:for')
  const item = attributes.get('wx:for-item') ?? 'item'
  const index = attributes.get('wx:for-index') ?? 'index'
  const inner = list === undefined ? locals : new Set([...locals, item, index])

  const node = `h(${JSON.stringify(tag)}, ${compileAttributes(attributes, inner, item)}, ${compileChildren(children, inner)})`
  if (list !== undefined) return `each(${compileValue(list, locals)}, (${item}, ${index}) => ${node})`
  const condition = attributes.get('wx:if')
  return condition === undefined ? node : `${compileValue(condition, inner)} ? ${node} : null`
}

function compileAttributes(attributes: Map<string, string>, locals: Set<string>, item: string): string {
  const groups: Record<'attributes' | 'data' | 'events', string[]> = { attributes: [], data: [], events: [] }
  const key = attributes.get('wx:key')
  for (const [name, value] of attributes) {
    const [, event] = /^bind:?(\w+)$/.exec(name) ?? []
    const [, field] = /^data-(.+)$/.exec(name) ?? []
    const entry = (as: string) => `${JSON.stringify(as)}: ${compileValue(value, locals)}`
    if (event) groups.events.push(entry(event))
    else if (field) groups.data.push(entry(field.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())))
    else if (!name.startsWith('wx:')) groups.attributes.push(entry(name))
  }
  const fields = Object.entries(groups).map(([group, entries]) => `${group}: { ${entries.join(', ')} }`)
  if (key !== undefined) fields.push(`key: ${key === '*this' ? item : `${item}.${key}`}`)
  return `{ ${fields.join(', ')} }`
}

/** A lone expression keeps its type; together with other text, it becomes text. */
function compileValue(value: string, locals: Set<string>): string {
  const [, lone] = /^\{\{((?:(?!\}\}).)*)\}\}$/s.exec(value) ?? []
  if (lone !== undefined) return `(${compileExpression(lone, locals)})`
  const parts = value.split(/\{\{(.*?)\}\}/s)
  return parts
    .map((part, i) => (i % 2 === 0 ? JSON.stringify(part) : `text(${compileExpression(part, locals)})`))
    .join(' + ')
}

const KEYWORDS = new Set(['true', 'false', 'null', 'undefined', 'typeof'])
/** Text, a field of something, a name, or anything else. */
const TOKEN = /'[^']*'|"[^"]*"|\.\s*[A-Za-z_$][\w$]*|[A-Za-z_$][\w$]*|[\s\S]/g

/** Expressions of WXML are JavaScript's, with the names of data. */
function compileExpression(expression: string, locals: Set<string>): string {
  return expression.trim().replace(TOKEN, (token) => {
    const isName = /^[A-Za-z_$]/.test(token) && !KEYWORDS.has(token) && !locals.has(token)
    return isName ? `d.${token}` : token
  })
}
