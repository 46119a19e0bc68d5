import type { Page } from './markdown.js'

/** What has to be the same in every language. */
export function stepsOf({ headings, tables, blocks, links }: Page): object {
  return {
    headings: headings.map(({ level }) => level),
    tables,
    blocks: blocks.map(({ lang, text }) => ({ lang, text: withoutComments(text) })),
    links: links.map(inAnyLanguage).sort(),
  }
}

function withoutComments(code: string): string {
  return code.replace(/(^|\s)(\/\/|#)\s.*|\/\*\* .* \*\/$/gm, '').replace(/[ \t]+$/gm, '')
}

/** A link to a page, or to a heading of it, whatever its language: without the folders that lead there. */
function inAnyLanguage(link: string): string {
  const isOurs = !/^https:/.test(link)
  const path = isOurs ? link.replace('.zh-CN', '').replace(/^(\.\.?\/)+(docs\/)?(zh\/)?/, './') : link
  const [file = '', anchor] = path.split('#')
  // Headings are translated, so are their anchors: that each is there, another test looks at.
  return anchor === undefined || !isOurs ? file : `${file}#`
}
