/**
 * docs/simulator-table.md: every endpoint that is simulated, from which source, and the test that proves it: its title begins with
 * the path. `WEAPP_WRITE_MATRIX=1` writes the page.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'ava'

import { createWechat, type EndpointInfo, type Limit, type Platform } from '../../simulator/src/index.js'

const PLATFORMS: Platform[] = ['wechat', 'wecom', 'qq', 'douyin']
const PAGE = new URL('../../docs/simulator-table.md', import.meta.url)
const TESTS = new URL('./', import.meta.url)

interface Row extends EndpointInfo {
  platform: Platform
}

/** Each endpoint once, with the first platform that has it. */
function rows(): Row[] {
  const all = PLATFORMS.flatMap((platform) => {
    return createWechat({ platform }).endpoints.map((endpoint) => ({ ...endpoint, platform }))
  })
  return [...new Map(all.reverse().map((row) => [row.host + row.path, row])).values()].reverse()
}

/** Titles of tests, with the files that they are in. */
function titles(): { file: string; title: string }[] {
  return readdirSync(TESTS)
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((file) => {
      const source = readFileSync(new URL(file, TESTS), 'utf8')
      const found = source.matchAll(/^\s*test(?:\.serial)?\(\s*(['"`])(.+?)\1,/gm)
      return [...found].map(([, , title = '']) => ({ file, title }))
    })
}

/** The file whose tests are about an endpoint. */
function testOf({ platform, path }: Row): string | undefined {
  const name = platform === 'wechat' ? path : `platform ${platform}: ${path}`
  return titles().find(({ title }) => title.startsWith(`${name}:`))?.file
}

test('simulator-table.md: every endpoint has a source, and a test whose title begins with its path', (t) => {
  for (const row of rows()) {
    t.regex(row.source, /^https:\/\//, row.path)
    t.truthy(testOf(row), `no test in test/simulator begins with ${row.path}`)
  }
})

test('simulator-table.md: it says what the code says', (t) => {
  const text = readFileSync(PAGE, 'utf8')
  const written = withPart(withPart(text, 'begin', 'end', table()), 'begin wx', 'end wx', wxMembers())

  if (process.env.WEAPP_WRITE_MATRIX) {
    writeFileSync(PAGE, written)
    t.pass()
  } else {
    t.is(text, written, 'WEAPP_WRITE_MATRIX=1 writes it')
  }
})

/** A page with another content between two comments. */
function withPart(page: string, begin: string, end: string, content: string): string {
  const [from, to] = [`<!-- ${begin} -->`, `<!-- ${end} -->`]
  const [before = '', rest = ''] = page.split(from)
  const [, after = ''] = rest.split(to)
  return `${before}${from}\n\n${content}\n\n${to}${after}`
}

/** What an app finds on its `wx`, in any platform. */
function wxMembers(): string {
  const wechat = createWechat({ platform: 'wecom' })
  const names = Object.keys(wechat.phone('alice').wx).sort()
  return names.map((name) => `\`${name}\``).join(', ')
}

function table(): string {
  const lines = rows().map((row) => {
    const { method, path, host, does, source, grade, guess = '', limits = [] } = row
    const file = testOf(row)
    const call = `\`${method === 'any' ? 'GET, POST' : method} ${path}\``
    const proof = `[${file?.replace('.test.ts', '')}](../test/simulator/${file})`
    return `| ${call} | ${host} | ${does} | ${limits.map(inWords).join(', ')} | [${grade}](${source}) | ${guess} | ${proof} |`
  })
  return [
    '| | at | what it does | how often | source | guessed | test |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

/** Such as "4,000 a minute (45011)". */
function inWords({ max, per, of, which, errcode }: Limit): string {
  const whose = of === 'user' ? ' for each user' : ''
  return `${max.toLocaleString('en')} a ${per}${whose}${which === undefined ? '' : ` ${which}`} (${errcode})`
}
