import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import test from 'ava'
import { allPages, readPage, root } from './support/markdown.js'
import { UNTRANSLATED } from './support/translation.js'

const pages = allPages()

test('links: every link to a file of the project leads to one, and every anchor to a place of it', (t) => {
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
      const { anchors } = readPage(target)
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

test('links: every page of docs/ is linked from the README of its language, and those of the API from docs/api.md', (t) => {
  const all = pages
    .filter(({ path }) => /^docs\/(api\/)?[^/]+\.md$/.test(path))
    // The beginning of the site says what the README does.
    .filter(({ path }) => path !== 'docs/index.md')
    .map(({ path }) => `./${path}`)
  const docs = all.filter((path) => !path.startsWith('./docs/api/'))
  const api = all.filter((path) => !docs.includes(path)).map((path) => path.replace('/docs', ''))
  const { links } = readPage('docs/api.md')
  t.true(api.length >= 4)
  t.deepEqual(
    api.filter((path) => !links.includes(path)),
    [],
  )

  const inChinese = (path: string) => path.replace('./docs/', './docs/zh/')
  const translated = (path: string) => pages.some((page) => `./${page.path}` === inChinese(path))
  const wanted = {
    'README.md': docs,
    'README.zh-CN.md': docs.map((path) => (translated(path) ? inChinese(path) : path)),
  }
  for (const [readme, paths] of Object.entries(wanted)) {
    const { links } = readPage(readme)
    t.deepEqual(
      paths.filter((path) => !links.includes(path)),
      [],
      readme,
    )
  }
})

test('links: a page in Chinese and its page in English lead to each other', (t) => {
  // The beginning of the site has a switch.
  const chinese = pages.filter(({ path }) => path.startsWith('docs/zh/') && path !== 'docs/zh/index.md')
  t.true(chinese.length > 0)
  for (const { path, links } of chinese) {
    const name = path.replace('docs/zh/', '')
    t.true(links.includes(`../${name}`), path)
    t.true(readPage(`docs/${name}`).links.includes(`./zh/${name}`), `docs/${name}`)
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
