import type { Page } from './markdown.js'

/** Pages that are in English alone. The table of the simulator is generated, as the API is. */
export const UNTRANSLATED: readonly string[] = ['simulator-table.md']

/** What has to be the same in every language. */
export function stepsOf({ headings, tables, blocks, links }: Page): object {
  return {
    headings: headings.map(({ level }) => level),
    tables,
    blocks: blocks.map(({ lang, text }) => ({ lang, text: comparable(lang, text) })),
    links: links.map(inAnyLanguage).sort(),
  }
}

/** A block without what is for its readers: comments, and Chinese texts in quotes. */
function comparable(lang: string, code: string): string {
  // A drawing is words, with lines between them.
  if (lang === 'text') return `${code.split('\n').length} lines`
  return code
    .replace(/(^|\s)(\/\/|#|--)\s.*/gm, '')
    .replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->/g, '')
    .replace(/[ \t]+$/gm, '')
}

/** A link to a page, or to a heading of it, whatever its language. */
function inAnyLanguage(link: string): string {
  if (/^[a-z]+:/i.test(link)) return link
  const [path = '', anchor] = link.replace('.zh-CN', '').replace('docs/zh/', 'docs/').split('#')
  // Headings are translated, so are their anchors: that each is there, another test looks at.
  return anchor === undefined ? path : `${path}#`
}
