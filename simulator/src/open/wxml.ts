import type { TmplGroup } from 'glass-easel-template-compiler'
import { OpenError } from './errors.js'
import type { Folder } from './folder.js'
import { otherVersion, type Tools } from './tools.js'

/** Templates, compiled. */
export interface CompiledTemplates {
  /** The JavaScript of an expression: an object of templates, by their paths. */
  code: string
  /** What the compiler passed over, in sentences for the developer. */
  notices: string[]
}

/**
 * Compiles the templates of pages and components with WeChat's own compiler, together with what they import and with
 * their WXS.
 *
 * @throws {OpenError} ERR_OPEN_WXML with the place of what is wrong
 */
export async function compileTemplates(
  folder: Folder,
  { TmplGroup }: Pick<Tools, 'TmplGroup'>,
  paths: Iterable<string>,
): Promise<CompiledTemplates> {
  const group = new TmplGroup()
  const notices: string[] = []
  try {
    const added = new Set<string>()
    const waiting = [...paths]
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (added.has(path)) continue
      added.add(path)
      const source = await folder.read(`${path}.wxml`)
      if (source === undefined)
        throw new OpenError('ERR_OPEN_WXML', `${path}.wxml is imported, and is not there.`)
      notices.push(...addTemplate(group, path, source))
      waiting.push(...(group.getDirectDependencies(path) as string[]))
      const inline = (group.getInlineScriptModuleNames(path) as string[]).flatMap((name) => {
        const { code, required } = asJavaScript(group.getInlineScript(path, name), path)
        group.setInlineScript(path, name, code)
        return required
      })
      await addScripts(folder, group, [...inline, ...(group.getScriptDependencies(path) as string[])])
    }
    return { code: withWechatsHelpers(group.getTmplGenObjectGroups()), notices }
  } finally {
    group.free()
  }
}

interface Finding {
  level: 'Note' | 'Warn' | 'Error' | 'Fatal'
  isError: boolean
  message: string
  startLine: number
  startColumn: number
}

/** What this compiler mends by a guess, and wcc refuses. */
const REFUSED = new Set(['missing end tag', 'invalid end tag'])

function addTemplate(group: TmplGroup, path: string, source: string): string[] {
  const findings = group.addTmpl(path, asWritten(source)) as Finding[]
  const error = findings.find(({ isError, message }) => isError || REFUSED.has(message))
  if (error) throw new OpenError('ERR_OPEN_WXML', sentenceOf(path, error))
  // Nobody mends a package here.
  if (path.includes('miniprogram_npm/')) return []
  return findings.filter(({ level }) => level === 'Warn').map((finding) => sentenceOf(path, finding))
}

/** The compiler counts from 0. */
function sentenceOf(path: string, { message, startLine, startColumn }: Finding): string {
  return `${path}.wxml:${startLine + 1}:${startColumn + 1}: ${message}`
}

/** WXS files, and those that they require. */
async function addScripts(folder: Folder, group: TmplGroup, paths: string[]): Promise<void> {
  const added = new Set<string>()
  const waiting = [...paths]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (added.has(path)) continue
    added.add(path)
    const source = await folder.read(`${path}.wxs`)
    if (source === undefined) throw new OpenError('ERR_OPEN_WXML', `${path}.wxs is used, and is not there.`)
    const { code, required } = asJavaScript(source, path)
    waiting.push(...required)
    group.addScript(path, code)
  }
}

/**
 * WXS is JavaScript but for a few things: the compiler knows scripts by names without an ending, and `.constructor` is a
 * name, `'Array'`, rather than a function. `getRegExp()` and `getDate()` are in page/wxs.ts.
 */
function asJavaScript(source: string, path: string): { code: string; required: string[] } {
  const required: string[] = []
  const code = source
    .replace(/\brequire\(\s*(['"])([^'"]+?)\.wxs\1\s*\)/g, (_, quote, name) => {
      const script = new URL(name, `wxs:///${path}`).pathname.slice(1)
      required.push(script)
      return `require(${quote}/${script}${quote})`
    })
    .replace(
      /((?:[\w$]+|\[[^\]]*\]|\([^()]*\))(?:\.[\w$]+|\[[^\]]*\]|\([^()]*\))*?)\.constructor\b/g,
      'getConstructor($1)',
    )
  return { code, required }
}

const COMMENT = '<!--[\\s\\S]*?-->'
const ATTRIBUTES = '(?:[^>"\']|"[^"]*"|\'[^\']*\')*'
const WXS = `<wxs\\b${ATTRIBUTES}/>|<wxs\\b${ATTRIBUTES}>[\\s\\S]*?</wxs\\s*>`
/** A comment, a script, a tag, or the text before the next one. */
const PART = new RegExp(`(${COMMENT}|${WXS})|(</?[\\w-]+${ATTRIBUTES}>)|([^<]+)`, 'g')

/**
 * WeChat's own compiler, wcc, shows `&lt;` as it is written (only `<text decode>` reads it), and takes `\n` in text for
 * a new line. This one reads entities and leaves `\n` alone; so it is given what wcc would have made of it.
 */
function asWritten(source: string): string {
  return source.replace(PART, (part, ignored?: string, tag?: string, text?: string) => {
    if (ignored !== undefined) return part
    if (tag !== undefined) return outsideOfExpressions(tag, withoutEntities)
    return outsideOfExpressions(text ?? '', (plain) => withEscapes(withoutEntities(plain)))
  })
}

function outsideOfExpressions(text: string, change: (plain: string) => string): string {
  return text
    .split(/(\{\{[\s\S]*?\}\})/)
    .map((part, i) => (i % 2 === 0 ? change(part) : part))
    .join('')
}

function withoutEntities(text: string): string {
  return text.replaceAll('&', '&amp;')
}

function withEscapes(text: string): string {
  return text.replace(/\\([nt])/g, (_, letter) => (letter === 'n' ? '\n' : '\t'))
}

/** What data can have methods of. */
const METHODS = `new Set([String,Number,Boolean,Array,Object].flatMap(function(c){var p=c.prototype;return Object.getOwnPropertyNames(p).map(function(n){return p[n]})}))`

/** Of the compiler's own helpers, and what each of them does with wcc. */
const HELPERS: [from: string, to: string][] = [
  // `{{null}}` is shown as null, and only what is not there as nothing.
  [
    "var Y=function(a){return a==null?'':String(a)};",
    "var Y=function(a){return a===undefined?'':String(a)};",
  ],
  // Functions of WXS can be called. Methods of data cannot: `{{name.toUpperCase()}}` shows nothing.
  [
    "var P=function(a){return typeof a==='function'?a:()=>{}};",
    `var M=${METHODS};var P=function(a){return typeof a==='function'&&!M.has(a)?a:()=>{}};`,
  ],
]

function withWechatsHelpers(code: string): string {
  return HELPERS.reduce((code, [from, to]) => {
    if (!code.includes(from)) throw otherVersion()
    return code.replace(from, () => to)
  }, code)
}
