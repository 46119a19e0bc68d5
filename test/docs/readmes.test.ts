import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test from 'ava'
import { type Page, readPage, root } from './support/markdown.js'

const READMES = [
  ['README.md', 'README.zh-CN.md'],
  ['client/README.md', 'client/README.zh-CN.md'],
  ['simulator/README.md', 'simulator/README.zh-CN.md'],
] as const

const GUIDES = readdirSync(join(root, 'docs/zh')).map((name) => [`docs/${name}`, `docs/zh/${name}`] as const)

for (const [english, chinese] of [...READMES, ...GUIDES]) {
  test(`${english}: ${chinese} is in step with it`, (t) => {
    t.deepEqual(stepsOf(readPage(chinese)), stepsOf(readPage(english)))
  })
}

test('README.md: a README that lags behind is found', (t) => {
  const page = readPage('README.md')
  const [table, ...tables] = page.tables
  const [block, ...blocks] = page.blocks
  if (!table || !block) return t.fail('README.md has neither')
  const laggards: Page[] = [
    { ...page, headings: page.headings.slice(1) },
    { ...page, tables: [{ ...table, rows: table.rows - 1 }, ...tables] },
    { ...page, blocks: [{ ...block, text: `${block.text}\nmore` }, ...blocks] },
    { ...page, links: page.links.slice(1) },
  ]

  for (const laggard of laggards) t.notDeepEqual(stepsOf(laggard), stepsOf(page))
})

for (const readme of ['README.md', 'README.zh-CN.md']) {
  test(`${readme}: its figures are those of docs/performance.md and docs/reliability.md`, (t) => {
    const [performance, reliability] = ['docs/performance.md', 'docs/reliability.md'].map(
      (path) => readPage(path).text,
    ) as [string, string]
    const rows = readPage(readme).text.split('\n')
    const rowOf = (link: string) => rows.find((row) => row.startsWith('|') && row.includes(link)) ?? ''
    const figures = (text: string) => text.match(/\d+(,\d{3})*(\.\d+)?/g) ?? []
    const ratio = (server: string) =>
      new RegExp(`^\\| ${server} \\| [\\d.]+ \\| ([\\d.]+)`, 'm').exec(performance)?.[1]
    const servers = ['header carrier', 'header carrier, cache on'].map((name) => `\\*\\*this, ${name}\\*\\*`)
    const others = ['koa-session on Redis', 'wafer-node-session on Redis', 'express-session on Redis']

    const [, , here = '', elsewhere = ''] = rowOf('performance.md').split('|')
    t.deepEqual([...figures(here), ...figures(elsewhere)], [...servers, ...others].map(ratio))
    const frozen = /frozen \(SIGSTOP\).*? (\d+) ms, typically (\d+)/.exec(reliability)?.slice(1)
    const [, , whenFrozen = ''] = rowOf('reliability.md#redis').split('|')
    t.deepEqual(
      figures(whenFrozen).filter((figure) => !['503', '401'].includes(figure)),
      frozen,
    )
    const [, soak] = /In 60 minutes ([\d,]+) operations had 0 wrong answers/.exec(reliability) ?? []
    t.true(rows.some((row) => row.startsWith('|') && row.includes(`${soak} `)))
  })
}

/** What has to be the same in every language. */
function stepsOf({ path, headings, tables, blocks, links }: Page): object {
  return {
    headings: headings.map(({ level }) => level),
    tables,
    // `text` is a drawing, whose words are in the language of its page.
    blocks: blocks.map(({ lang, text }) =>
      lang === 'text' ? { lang } : { lang, text: withoutComments(text) },
    ),
    links: links.map((link) => inAnyLanguage(link, path)).sort(),
  }
}

function withoutComments(code: string): string {
  return code.replace(/(^|\s)(\/\/|#|\/\*\*)\s.*/gm, '').replace(/[ \t]+$/gm, '')
}

/** A link of `page` to a page, or to a heading of it, whatever its language. */
function inAnyLanguage(link: string, page: string): string {
  if (link.startsWith('https:')) return link
  const [target = '', anchor] = link.split('#')
  const file = target === '' ? page : join(dirname(page), target)
  const path = file.replace('.zh-CN', '').replace('docs/zh/', 'docs/')
  // Headings are translated, so are their anchors: that each is there, another test looks at.
  return anchor === undefined ? path : `${path}#`
}
