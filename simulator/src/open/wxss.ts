import { type Folder, pathFrom } from './folder.js'
import { withoutRpx } from './rpx.js'

/**
 * WXSS as CSS: imports are put in, an `rpx` is a 750th of the screen's width, and files are where the page finds them.
 *
 * @param scope of a component: its classes are `scope--name`, as its nodes have them, and `:host` is its own node
 */
export async function compileStyle(folder: Folder, path: string, scope?: string): Promise<string> {
  const text = await withImports(folder, path, new Set())
  return scope === undefined ? text : scoped(text, scope)
}

const IMPORT = /@import\s+(?:url\(\s*)?['"]([^'"]+)['"]\s*\)?\s*;?/g

async function withImports(folder: Folder, path: string, seen: Set<string>): Promise<string> {
  if (seen.has(path)) return ''
  seen.add(path)
  const source = (await folder.read(path))?.replace(/\/\*[\s\S]*?\*\//g, '')
  if (source === undefined) return ''
  const parts = await Promise.all(
    source.split(IMPORT).map((part, i) => {
      if (i % 2 === 0) return withFiles(withoutRpx(part), path)
      const imported = pathFrom(path, part)
      return imported === undefined ? '' : withImports(folder, imported, seen)
    }),
  )
  return parts.join('')
}

function withFiles(css: string, path: string): string {
  return css.replace(/url\(\s*(['"]?)([^'")]+)\1\s*\)/g, (whole, _, url) => {
    if (/^[a-z][\w+.-]*:|^\/\//i.test(url)) return whole
    const file = pathFrom(path, url)
    return file === undefined ? 'url()' : `url("/files/${encodeURI(file)}")`
  })
}

/** Blocks whose inside are rules again. */
const GROUP = /^@(media|supports|layer|container)\b/

/** Puts a scope before each class of each selector. What is in braces or in brackets has none. */
function scoped(css: string, scope: string): string {
  let result = ''
  let rest = css
  while (rest) {
    const open = rest.indexOf('{')
    if (open === -1) return result + rest
    const selector = rest.slice(0, open)
    const close = endOfBlock(rest, open)
    const inside = rest.slice(open + 1, close)
    const isRule = !selector.trim().startsWith('@')
    result += isRule ? scopedSelector(selector, scope) : selector
    result += `{${GROUP.test(selector.trim()) ? scoped(inside, scope) : inside}}`
    rest = rest.slice(close + 1)
  }
  return result
}

function endOfBlock(css: string, open: number): number {
  let depth = 0
  for (let i = open; i < css.length; i++) {
    if (css[i] === '{') depth++
    else if (css[i] === '}' && --depth === 0) return i
  }
  return css.length
}

function scopedSelector(selector: string, scope: string): string {
  return selector
    .split(/(\[[^\]]*\])/)
    .map((part, i) => (i % 2 === 0 ? part.replace(/\.(-?[_a-zA-Z\u0080-\uffff])/g, `.${scope}--$1`) : part))
    .join('')
    .replaceAll(':host', `[wx-host="${scope}"]`)
}
