import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'ava'
import { allPages, readPage, root } from './support/markdown.js'
import { UNTRANSLATED } from './support/translation.js'

const pages = allPages()

test('links: every link to a file of the project leads to one, and every anchor to a heading', (t) => {
  let count = 0
  for (const { path, links } of pages) {
    for (const link of links.filter((link) => !/^[a-z]+:/i.test(link))) {
      count++
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : relative(root, join(root, dirname(path), decodeURI(file)))
      if (isAwaited(target)) continue
      const isThere = existsSync(join(root, target))
      t.true(isThere, `${path}: ${link}`)
      if (anchor === undefined || !isThere) continue
      const { headings, text } = readPage(target)
      // Chinese pages have the anchors of the English headings too.
      const ids = Array.from(text.matchAll(/^<a id="([^"]+)"><\/a>$/gm), ([, id]) => id)
      const anchors = [...headings.map(({ anchor }) => anchor), ...ids]
      t.true(anchors.includes(decodeURI(anchor)), `${path}: ${link} has ${anchors}`)
    }
  }
  t.true(count > 80)
})

/** Whether it is a Chinese page that is still missing: the site shows the English one there. */
function isAwaited(target: string): boolean {
  return UNTRANSLATED.some((name) => target === join('docs/zh', name))
}

test('links: those to elsewhere are https', (t) => {
  for (const { path, links } of pages) {
    for (const link of links.filter((link) => /^[a-z]+:/i.test(link))) t.regex(link, /^https:/, path)
  }
})

test('links: every page of docs/ is linked from both READMEs, and those of the API from docs/api.md', (t) => {
  const all = pages.map(({ path }) => path).filter((path) => /^docs\/(api\/)?[^/]+\.md$/.test(path))
  // The beginning of the site says what the README does.
  const docs = all.filter((path) => !path.startsWith('docs/api/') && path !== 'docs/index.md')
  const api = all.filter((path) => path.startsWith('docs/api/')).map((path) => path.replace('docs/', './'))
  const { links } = readPage('docs/api.md')
  t.true(api.length >= 4)
  t.deepEqual(
    api.filter((path) => !links.includes(path)),
    [],
  )

  for (const readme of ['README.md', 'README.zh-CN.md']) {
    const links = readPage(readme).links.map((link) => link.replace('/docs/zh/', '/docs/'))
    t.deepEqual(
      docs.filter((path) => !links.includes(`./${path}`)),
      [],
      readme,
    )
  }
})

test('links: pictures have a text for those who cannot see them', (t) => {
  for (const { path, images } of pages) {
    for (const { alt, href } of images) t.true(alt.length > 3, `${path}: ${href}`)
  }
})

test('SECURITY.md: the tests that it names are there', (t) => {
  const [, promises = ''] = readPage('SECURITY.md').text.split(/^## What is (?:promised|not)$/m)
  const named = promises.split('\n').flatMap((row) => {
    const [, list = ''] = /\| ((?:`[\w/-]+`(?:, )?)+) \|$/.exec(row) ?? []
    return Array.from(list.matchAll(/`([^`]+)`/g), ([, name = '']) => name)
  })

  t.true(named.length > 20)
  for (const name of named) {
    const places = [`test/${name}.test.ts`, `test/${name}`, `src/testing/${name}.ts`]
    t.true(
      places.some((path) => existsSync(join(root, path))),
      name,
    )
  }
})
