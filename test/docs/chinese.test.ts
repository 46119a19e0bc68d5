import { join, posix } from 'node:path'
import test from 'ava'
import { allPages, type Page, readPage } from './support/markdown.js'
import { stepsOf, UNTRANSLATED } from './support/translation.js'

/**
 * docs/zh/: each guide in Chinese. Its code is that of the English page, which is compiled or run; what may differ are comments. So
 * the examples of both are tried.
 */

/** Written by npm run docs, from the comments in the sources, which are English. */
const GENERATED = ['api.md']

const names = namesIn('docs')
const translated = namesIn(join('docs', 'zh'))

test('docs/zh/: it has a page for each guide, but for those that are listed here', (t) => {
  t.deepEqual(
    translated,
    names.filter((name) => ![...UNTRANSLATED, ...GENERATED].includes(name)),
  )
})

for (const name of translated) {
  test(`docs/zh/${name}: it is in step with the English page`, (t) => {
    const [english, chinese] = [readPage(`docs/${name}`), readPage(`docs/zh/${name}`)]

    t.deepEqual(stepsOf(inOneFolder(chinese)), stepsOf(inOneFolder(english)))
  })

  test(`docs/zh/${name}: it is in Chinese, and calls things as the other pages do`, (t) => {
    const prose = proseOf(readPage(`docs/zh/${name}`))

    t.true((prose.match(/\p{Script=Han}/gu) ?? []).length > 100)
    // 凭证, 响应, 加密存储, 你; and no half-width mark after a Chinese character.
    for (const wrong of [
      /凭据/,
      /答复/,
      /密封/,
      /讲述/,
      /您/,
      /知道是谁/,
      /\p{Script=Han}[,;?!](?=\s|\p{Script=Han})/u,
    ]) {
      const [found] = new RegExp(`.{0,20}${wrong.source}.{0,20}`, wrong.flags).exec(prose) ?? []
      t.is(found, undefined)
    }
  })
}

test('docs/zh/: a page that lags behind is found', (t) => {
  const page = readPage('docs/index.md')
  const [block, ...blocks] = page.blocks
  const [table, ...tables] = page.tables
  if (!block || !table) return t.fail('docs/index.md has neither')
  const laggards: Page[] = [
    { ...page, headings: page.headings.slice(1) },
    { ...page, blocks: [{ ...block, text: block.text.replace('3000', '3001') }, ...blocks] },
    { ...page, tables: [{ ...table, rows: table.rows - 1 }, ...tables] },
    { ...page, links: page.links.slice(1) },
  ]

  for (const laggard of laggards) t.notDeepEqual(stepsOf(inOneFolder(laggard)), stepsOf(inOneFolder(page)))
})

function namesIn(folder: string): string[] {
  return allPages(folder)
    .map(({ path }) => path.slice(folder.length + 1))
    .filter((name) => /^[^/]+\.md$/.test(name))
    .sort()
}

/** Links from the folder of the project: a Chinese page stands one folder further down. The one to the other language is none. */
function inOneFolder(page: Page): Page {
  const [english, chinese] = [`docs/${posix.basename(page.path)}`, `docs/zh/${posix.basename(page.path)}`]
  const links = page.links.map((link) =>
    /^[a-z]+:|^#/i.test(link) ? link : posix.join(posix.dirname(page.path), link),
  )
  return { ...page, links: links.filter((link) => link !== english && link !== chinese) }
}

/** Without code. */
function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```/gm, '').replace(/``.*?``|`[^`]*`/g, '')
}
