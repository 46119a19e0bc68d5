import test from 'ava'
import { type Page, readPage } from './support/markdown.js'
import { stepsOf } from './support/steps.js'

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
