import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { extname, join, posix } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { Page } from 'playwright-core'
import { miniSearch } from '../../site/.vitepress/search.js'
import { root } from '../docs/support/markdown.js'
import { UNTRANSLATED } from '../docs/support/translation.js'
import { useBrowser } from '../support/browser.js'
import { listenTo } from '../support/server.js'

/** `npm run docs:build`, and what it has built. */

const folder = mkdtempSync(join(tmpdir(), 'weapp-site-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const browser = useBrowser(test)

/** Each page, by its path: `zh/client.html`. */
const pages = new Map<string, string>()

test.before('the site builds, without a dead link', async (t) => {
  t.timeout(10 * 60_000)
  const env = { ...process.env, DOCS_OUT: folder, GITHUB_REPOSITORY: 'somebody/a-project' }
  await promisify(execFile)('npm', ['run', 'docs:build'], { cwd: root, env })
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.html')) pages.set(file, readFileSync(join(folder, file), 'utf8'))
})

test('site: each page is there in both languages', (t) => {
  const names = [...pages.keys()].filter((name) => name !== '404.html')
  const english = names.filter((name) => !name.startsWith('zh/'))

  t.true(english.length > 25)
  t.deepEqual(
    names
      .filter((name) => name.startsWith('zh/'))
      .map((name) => name.slice(3))
      .sort(),
    english.sort(),
  )
  for (const name of names) {
    const lang = name.startsWith('zh/') ? 'zh-CN' : 'en'
    t.true(pages.get(name)?.includes(`<html lang="${lang}"`), name)
  }
})

test('site: links lead to pages that are there, and to headings that they have', (t) => {
  const awaited = UNTRANSLATED.map((page) => `zh/${page.replace(/md$/, 'html')}`)
  let count = 0
  for (const [name, html] of pages) {
    for (const [, href = ''] of html.matchAll(/<a [^>]*?href="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(href) || name === '404.html') continue
      count++
      const [path = '', hash] = href.split('#')
      const target =
        path === ''
          ? name
          : posix
              .join(
                '/',
                posix.dirname(name),
                path.startsWith('/') ? posix.relative(`/${posix.dirname(name)}`, path) : path,
              )
              .slice(1)
      const file = path.endsWith('/') ? posix.join(target, 'index.html') : target
      const other = pages.get(file)
      t.true(other !== undefined, `${name}: ${href}`)
      const id = decodeURIComponent(hash ?? '')
      // An English page stands in the place of one that is not translated, with its own headings.
      if (id === '' || awaited.includes(file)) continue
      t.true(other?.includes(`id="${id}"`), `${name}: ${href}`)
    }
  }
  t.true(count > 1000, `${count}`)
})

test('site: links to the source lead to the repository, and each page to where it is edited', (t) => {
  const html = pages.get('architecture.html') ?? ''
  t.true(html.includes('href="https://github.com/somebody/a-project/blob/main/src/'))
  t.true(html.includes('href="https://github.com/somebody/a-project/edit/main/docs/architecture.md"'))
})

test('site: nothing is loaded from elsewhere', (t) => {
  for (const [name, html] of pages) {
    const loaded = [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]+)"/g)]
    t.true(loaded.length > 0, name)
    for (const [, address = ''] of loaded) t.regex(address, /^(\/|data:)/, name)
  }
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.css')) continue
    const css = readFileSync(join(folder, file), 'utf8')
    t.false(/@import|url\(["']?(?:https?:)?\/\//.test(css), file)
  }
})

test('site: the search finds Chinese in the middle of a sentence', async (t) => {
  const search = await searchOf('zh')

  for (const words of ['登录态', '不用重新登录', '开发者工具', '反向代理'])
    t.true(search(words).length > 0, words)
  t.regex(search('微信的 errcode')[0] ?? '', /^\/zh\/errors/)
})

test('site: the search finds a message that is pasted, with its values, in both languages', async (t) => {
  const messages = [
    'TypeError: koa-weapp-session: ttl must be whole seconds, from 1 up to ten years, such as 7200: it is a string',
    '[WEAPP_REDIS_EVICTION] WeappSessionWarning: Redis has maxmemory-policy allkeys-lru: when it is full, it forgets sessions',
    'ERR_SESSION_EXPIRED',
    'WEAPP_40164',
  ]
  for (const lang of ['root', 'zh']) {
    const search = await searchOf(lang)
    for (const message of messages) {
      const first = search(message).slice(0, 3)
      t.true(
        first.some((id) => /\/errors(\.html)?#/.test(id)),
        `${lang}: ${message}: ${first}`,
      )
    }
  }
})

test('site: a first visit goes to the language of the browser, a later one to that which was read last', async (t) => {
  const { page, home } = await openSite(t, 'zh-CN')
  await page.goto(home)
  await page.waitForURL(`${home}zh/`)

  await page.goto(`${home}zh/errors.html#ttl`)
  await switchLanguage(page)
  await page.waitForURL(`${home}errors.html#ttl`)
  await page.goto(home)
  await page.locator('h2', { hasText: 'What it is better at' }).waitFor()
  t.is(page.url(), home)

  const english = await openSite(t, 'en-US')
  await english.page.goto(english.home)
  await english.page.locator('h2', { hasText: 'What it is better at' }).waitFor()
  t.is(english.page.url(), english.home)
})

test('site: in a browser, Chinese words are found, and nothing is asked of other hosts', async (t) => {
  const { page, home, asked } = await openSite(t, 'zh-CN')
  await page.goto(`${home}zh/`)
  await page.locator('.DocSearch-Button').click()
  await page.locator('.search-input').fill('不用重新登录')
  await page.locator('.search-input').press('ArrowDown')
  await page.locator('.result').first().click()
  await page.waitForURL(/\/zh\/.*#/)
  await page.locator('.VPNavBarAppearance button').click()
  await page.locator('html.dark').waitFor()

  t.true(asked.length > 5)
  t.deepEqual(
    asked.filter((url) => !url.startsWith(home) && !url.startsWith('data:')),
    [],
  )
})

/** Goes to the same page in the other language. */
async function switchLanguage(page: Page): Promise<void> {
  await page.locator('.VPNavBarTranslations button').hover()
  await page.locator('.VPNavBarTranslations a').first().click()
}

/** A browser in a language, and the site at an address of this machine. An error on a page fails the test. */
async function openSite(t: ExecutionContext, locale: string) {
  const context = await browser().newContext({ locale, viewport: { width: 1400, height: 900 } })
  t.teardown(() => context.close())
  const page = await context.newPage()
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  page.on('pageerror', (error) => t.fail(error.message))
  return { page, asked, home: `${await listenTo(t, createServer(sendFile))}/` }
}

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

function sendFile({ url = '' }: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(new URL(url, 'http://host').pathname)
  const file = join(folder, path.endsWith('/') ? `${path}index.html` : path)
  if (existsSync(file)) {
    response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream')
    response.end(readFileSync(file))
  } else response.writeHead(404).end()
}

/** What a search of the site finds, best first, such as `/zh/errors.html#ttl`. */
async function searchOf(lang: string): Promise<(query: string) => string[]> {
  const chunks = join(folder, 'assets/chunks')
  const file = readdirSync(chunks).find((name) => name.startsWith(`@localSearchIndex${lang}.`))
  const { default: json } = await import(join(chunks, file ?? 'missing'))
  const { default: MiniSearch } = await import(
    createRequire(join(root, 'site/package.json'))
      .resolve('minisearch')
      .replace(/cjs\/index\.cjs$/, 'es/index.js')
  )
  const index = MiniSearch.loadJSON(json, {
    fields: ['title', 'titles', 'text'],
    storeFields: ['title', 'titles'],
    ...miniSearch.options,
    searchOptions: miniSearch.searchOptions,
  })
  return (query) => index.search(query).map(({ id }: { id: string }) => id)
}
