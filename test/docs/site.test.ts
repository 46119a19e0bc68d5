import test from 'ava'
import { anchorOf, linkOf } from '../../site/.vitepress/links.js'
import { apiPages, sections, sidebar } from '../../site/.vitepress/pages.js'
import { repositoryOf } from '../../site/.vitepress/repository.js'
import { fuzzy, tokenize, tokenizeQuery } from '../../site/.vitepress/search.js'
import { allPages } from './support/markdown.js'

/** The site, as far as that is known without building it: see test/site/. */

test('site: the sidebar has each page of docs/ once', (t) => {
  const pages = allPages('docs').map(({ path }) => path.slice(5, -3))
  const listed = [...sections.flatMap(({ pages }) => pages), ...apiPages]

  t.deepEqual(listed.sort(), pages.filter((page) => !page.startsWith('zh/')).sort())
})

test('site: both languages have the same sidebar, each in its own words', (t) => {
  const [english, chinese] = [sidebar('en'), sidebar('zh')]
  const linksOf = (sections: typeof english) =>
    sections
      .flatMap(({ items = [] }) => items)
      .flatMap(({ link, items = [] }) => [link, ...items.map(({ link }) => link)])

  t.deepEqual(
    linksOf(chinese).map((link) => link?.replace('/zh/', '/')),
    linksOf(english),
  )
  t.is(english[0]?.items?.[0]?.text, 'Overview')
  t.is(chinese[0]?.items?.[0]?.text, '概览')
})

test('site: links of a page lead to pages of its language', (t) => {
  t.is(linkOf('client.md', './protocol.md#login'), '/protocol#login')
  t.is(linkOf('api/server.md', '../errors.md'), '/errors')
  t.is(linkOf('zh/client.md', './protocol.md#登录'), '/zh/protocol#登录')
  t.is(linkOf('zh/client.md', '../api/server.md'), '/zh/api/server')
  t.is(linkOf('zh/errors.md', './index.md'), '/zh/')
  t.is(linkOf('zh/errors.md', '../errors.md'), '/errors')
  t.is(linkOf('errors.md', './zh/errors.md'), '/zh/errors')
  t.is(linkOf('client.md', '#here'), '#here')
  t.is(linkOf('client.md', 'https://example.com/a.md'), 'https://example.com/a.md')
})

test('site: an address of the repository comes from package.json, else from GitHub', (t) => {
  const address = 'https://github.com/somebody/a.project'
  for (const url of [
    `git+${address}.git`,
    `${address}.git`,
    'github:somebody/a.project',
    'git@github.com:somebody/a.project.git',
  ])
    t.is(repositoryOf({ repository: { url } }, {}), address, url)
  t.is(repositoryOf({ repository: 'somebody/a.project' }, {}), address)
  t.is(repositoryOf({}, { GITHUB_REPOSITORY: 'somebody/a.project' }), address)
  t.is(repositoryOf({}, {}), undefined)
})

test('site: anchors are those of GitHub', (t) => {
  for (const { headings } of allPages('docs')) {
    for (const { text, anchor } of headings)
      t.true([anchor, anchor.replace(/-\d+$/, '')].includes(anchorOf(text)), text)
  }
})

test('site: a word in the middle of a Chinese sentence is found', (t) => {
  const found = (query: string, text: string) => {
    const terms = tokenize(text)
    return tokenizeQuery(query).every((word) => terms.some((term) => term.startsWith(word)))
  }

  t.true(found('登录态', '服务器保存每个用户的登录态，直到过期。'))
  t.true(found('过期', '服务器保存每个用户的登录态，直到过期。'))
  t.true(found('期', '直到过期。'))
  t.true(found('Redis 集群', '把会话存放在Redis集群里'))
  t.true(found('WEAPP_REDIS', '警告 `WEAPP_REDIS_EVICTION`'))
  t.false(found('退出登录', '服务器保存每个用户的登录态'))
  t.is(fuzzy('登录'), false)
  t.is(fuzzy('session'), 0.2)
})
