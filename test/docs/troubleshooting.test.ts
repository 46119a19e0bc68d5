import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { cookieCarrier, headerCarrier, memoryStore, redisStore, weappSession } from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { readPage, root } from './support/markdown.js'

/** docs/troubleshooting.md: what each line of its tables says is what happens. */

const { text } = readPage('docs/troubleshooting.md')
const anchors = readPage('docs/errors.md').headings.map(({ anchor }) => anchor)
const mistakes = rowsUnder('Start-up')
const warnings = rowsUnder('Warnings')

test('docs/troubleshooting.md: it has the mistakes and the warnings', (t) => {
  t.true(mistakes.length >= 20)
  t.true(warnings.length >= 5)
})

for (const [written = '', sentence = ''] of mistakes) {
  test(`docs/troubleshooting.md: ${written} produces the sentence beside it`, (t) => {
    const error = t.throws(() => run(written), { instanceOf: TypeError })
    const [, said, anchor = ''] =
      /^koa-weapp-session: (.*) \(docs\/errors\.md#(\w+)\)$/.exec(error?.message ?? '') ?? []
    t.is(said, sentence)
    t.true(anchors.includes(anchor), anchor)
  })
}

for (const [written = '', sentence = ''] of warnings) {
  test.serial(`docs/troubleshooting.md: ${written} is warned of with the sentence beside it`, async (t) => {
    const said: string[] = []
    const listen = ({ code, message, detail }: Error & { code?: string; detail?: string }) => {
      said.push(`${code}: ${message}`)
      t.true(anchors.includes(detail?.replace('docs/errors.md#', '') ?? ''), detail)
    }
    process.on('warning', listen)
    run(written)
    await setImmediate()
    process.off('warning', listen)

    t.deepEqual(said, [sentence])
  })
}

test('docs/troubleshooting.md: each fix, and each code, is one that the source has', (t) => {
  const source = sourceOf(join(root, 'src'))
  const rows = rowsUnder('What check() and doctor find')
  t.true(rows.length > 15)
  for (const [codes = '', , fix = ''] of rows) {
    const advice = `${fix[0]?.toLowerCase()}${fix.slice(1, -1)}`
    t.true(source.includes(fix) || source.includes(advice), fix)
    for (const [, code = ''] of codes.matchAll(/WEAPP_([A-Z_]+)/g))
      t.true(source.includes(`'WEAPP_${code}'`), code)
  }
  const ofRedis = [...source.matchAll(/code: '(WEAPP_REDIS\w*)'/g)].map(([, code]) => code)
  for (const code of ofRedis) t.true(text.includes(`\`${code}\``), code)
})

/** The cells of a table, without the backticks of those that are code. */
function rowsUnder(heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const lines = section.split('\n').filter((line) => line.startsWith('| '))
  return lines.slice(1).map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replace(/^`([^`]*)`$/, '$1')),
  )
}

/** What is written in a cell, with the names that the page explains. */
function run(written: string): unknown {
  const names = {
    cookieCarrier,
    headerCarrier,
    jwtCarrier,
    memoryStore,
    redisStore,
    weappSession,
    createClient,
    ioredis: new Redis({ lazyConnect: true }),
    redis3: { get() {}, hgetall() {}, evalsha() {}, send_command() {} },
    keys: 'k'.repeat(32),
    appId: 'wx-test',
    appSecret: 'secret-of-a-test',
    url: 'redis://127.0.0.1:1',
  }
  return new Function(...Object.keys(names), `return ${written}`)(...Object.values(names))
}

function sourceOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
}
