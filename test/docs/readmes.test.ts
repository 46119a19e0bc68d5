import test from 'ava'
import { type Page, readPage } from './support/markdown.js'
import { stepsOf } from './support/translation.js'

const PAIRS = [
  ['README.md', 'README.zh-CN.md'],
  ['client/README.md', 'client/README.zh-CN.md'],
  ['simulator/README.md', 'simulator/README.zh-CN.md'],
] as const

for (const [english, chinese] of PAIRS) {
  test(`README.md: ${english} and ${chinese} are in step`, (t) => {
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
