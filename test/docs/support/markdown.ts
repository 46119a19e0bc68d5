import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { marked, type Token, type Tokens } from 'marked'

/** The folder of the project. */
export const root: string = fileURLToPath(new URL('../../..', import.meta.url))

/** A Markdown file, as far as tests look at it. */
export interface Page {
  /** From the folder of the project, such as `docs/client.md`. */
  path: string
  text: string
  headings: Heading[]
  /** Where links can lead: to headings, and to what has an id, such as `<a id="sockets"></a>`. */
  anchors: string[]
  tables: Table[]
  blocks: Block[]
  /** Where links and images point. */
  links: string[]
  images: { href: string; alt: string }[]
}

export interface Heading {
  level: number
  text: string
  /** As GitHub makes them: what a link puts after its #. */
  anchor: string
}

export interface Table {
  rows: number
  columns: number
}

export interface Block {
  /** The first word after the fence. */
  lang: string
  /** What follows it there. */
  note: string
  text: string
  /** The heading that it stands under. */
  under: string
  /** `docs/client.md:12`, for messages. */
  where: string
}

/** Every Markdown file of the project. */
export function allPages(folder = ''): Page[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return isSkipped(entry.name) ? [] : allPages(path)
    // Of the site: a page for each one that is not translated.
    return entry.name.endsWith('.md') && !entry.name.startsWith('[') ? readPage(path) : []
  })
}

function isSkipped(folder: string): boolean {
  return folder.startsWith('.') || folder === 'node_modules' || folder === 'dist'
}

export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  const page: Page = { path, text, headings: [], anchors: [], tables: [], blocks: [], links: [], images: [] }
  const times = new Map<string, number>()
  let from = 0

  const visit = (token: Token): void => {
    if (token.type === 'link' || token.type === 'image') page.links.push(token.href)
    if (token.type === 'image') page.images.push({ href: token.href, alt: token.text })
    if (token.type === 'heading') {
      const text = plain(token as Tokens.Heading)
      const name = anchorOf(text)
      const before = times.get(name) ?? 0
      times.set(name, before + 1)
      const anchor = before ? `${name}-${before}` : name
      page.headings.push({ level: token.depth, text, anchor })
      page.anchors.push(anchor)
    }
    if (token.type === 'html') {
      for (const [, id = ''] of token.raw.matchAll(/<a id="([^"]+)"/g)) page.anchors.push(id)
    }
    if (token.type === 'table') {
      const { header, rows } = token as Tokens.Table
      page.tables.push({ rows: rows.length, columns: header.length })
    }
    if (token.type === 'code') {
      const { lang: info = '', text: code } = token as Tokens.Code
      const at = text.indexOf(token.raw.trim(), from)
      from = at + 1
      const [lang = '', ...notes] = info.split(' ')
      const under = page.headings.at(-1)?.text ?? ''
      const where = `${path}:${text.slice(0, at).split('\n').length}`
      page.blocks.push({ lang, note: notes.join(' '), text: code, under, where })
    }
  }
  marked.walkTokens(marked.lexer(text), visit)
  return page
}

/** What a reader sees of a heading. */
function plain({ tokens }: Tokens.Heading): string {
  const textOf = (token: Token): string =>
    'tokens' in token && token.tokens
      ? token.tokens.map(textOf).join('')
      : 'text' in token
        ? token.text
        : token.raw
  return tokens.map(textOf).join('')
}

function anchorOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-')
}
