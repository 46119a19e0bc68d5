import test from 'ava'
import { optionError } from '../../src/util/option-error.js'
import { readPage } from './support/markdown.js'
import { type Message, messagesIn, messagesOf, sourceOf } from './support/messages.js'

/** docs/errors.md, and its Chinese page: every message has its entry. */

const PAGES = ['docs/errors.md', 'docs/zh/errors.md']
const messages = ['src', 'client/src'].flatMap(messagesIn)
const sources = ['src', 'client/src'].map(sourceOf).join('\n')

for (const path of PAGES) {
  test(`${path}: every message of the code has an entry, under its code`, (t) => {
    const rows = rowsOf(path)

    t.true(messages.length > 150, `${messages.length}`)
    t.deepEqual(
      messages.filter((message) => !hasEntry(message, rows)),
      [],
    )
  })

  test(`${path}: every code of the server and the client has a heading`, (t) => {
    const headings = readPage(path).headings.map(({ text }) => text)
    const codes = messages.map(({ code }) => code).filter((code) => /^(WEAPP|ERR)_[\w-]+$/.test(code))

    t.true(codes.length > 30)
    t.deepEqual(
      codes.filter((code) => !headings.includes(code)),
      [],
    )
  })

  test(`${path}: every entry has something to do, and no entry is of a message that is gone`, (t) => {
    const known = messages.map(({ text }) => text)
    for (const { text, advice } of rowsOf(path)) {
      t.true(advice.length > 2, text)
      const isKnown = known.some((message) => isSaidBy(message, text) || isSaidBy(text, message))
      const [longest = ''] = text.split('…').sort((a, b) => b.length - a.length)
      t.true(isKnown || sources.includes(longest.replace(/[.:( ]+$/, '')), text)
    }
  })
}

test('docs/errors.md: what a mistake in the options names at its end is a heading', (t) => {
  const anchors = readPage('docs/errors.md').headings.map(({ anchor }) => anchor)
  const ofServer = messagesIn('src').filter(({ by }) => by === 'optionError')
  // Of those that begin with what is filled in, docs/troubleshooting.md has examples.
  const named = ofServer.filter(({ text }) => !/^…|^give /.test(text))

  t.true(named.length > 40)
  for (const { text } of named) {
    const [, anchor = ''] = /#(\w*)\)$/.exec(optionError(text).message) ?? []
    t.true(anchors.includes(anchor), text)
  }
})

test('docs/errors.md: a message without an entry is found', (t) => {
  const source = `export function check(ttl: number) {
    if (ttl < 0) throw optionError(\`ttl is before its time: \${ttl}\`)
    warn('WEAPP_NEW', 'Something new is' + ' wrong.')
  }`
  const found = messagesOf('src/new.ts', source)

  t.deepEqual(found, [
    { where: 'src/new.ts:2', code: '', text: 'ttl is before its time: …', by: 'optionError' },
    { where: 'src/new.ts:3', code: 'WEAPP_NEW', text: 'Something new is wrong.', by: 'warn' },
  ])
  for (const message of found) t.false(hasEntry(message, rowsOf('docs/errors.md')))
})

interface Row {
  under: string
  text: string
  advice: string
}

function rowsOf(path: string): Row[] {
  const rows: Row[] = []
  let under = ''
  for (const line of readPage(path).text.split('\n')) {
    if (line.startsWith('#')) under = line.replace(/^#+ /, '').replaceAll('`', '')
    const [, , text, advice] = /^\| (``?) ?(.+?) ?\1 \| (.+) \|$/.exec(line) ?? []
    if (text && advice) rows.push({ under, text, advice })
  }
  return rows
}

function hasEntry({ code, text }: Message, rows: Row[]): boolean {
  // What is filled into a code is an errcode, a status, or the name of a failure.
  const isFixed = code !== '' && !code.includes('…')
  return rows.some((row) => (!isFixed || row.under === code) && isSaidBy(text, row.text))
}

/** Whether an entry has all parts of a message, in their order. */
function isSaidBy(message: string, entry: string): boolean {
  let from = 0
  for (const part of message.split('…')) {
    const at = entry.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return true
}
