import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readEntries } from '../../scripts/api.js'
import { printPages, printReport } from '../../scripts/api-pages.js'
import type { Declaration } from '../../scripts/declarations.js'
import { COMMENTS, compile, MINI_PROGRAM } from './support/compile.js'
import { readPage, root } from './support/markdown.js'

const entries = readEntries()
/** The simulator's phones, and the client's types of `wx`, have WeChat's own names: its documents say what they are. */
const OURS = ['koa-weapp-session', 'koa-weapp-session/testing']
const ours = entries.filter(({ name }) => OURS.includes(name))
const called = entries.flatMap(({ exports }) => exports.filter(({ kind }) => kind === 'function'))

const pages = printPages(entries)

test('docs/api.md and docs/api/ are what the declarations say; if not: npm run docs', (t) => {
  for (const [name, text] of pages) t.is(readFileSync(join(root, 'docs', name), 'utf8'), text, name)
  t.deepEqual(readdirSync(join(root, 'docs/api')).sort(), [
    'bridge.md',
    'client-core.md',
    'client-events.md',
    'client-http.md',
    'client.md',
    'express-store.md',
    'inspector.md',
    'jwt.md',
    'koa-store.md',
    'server.md',
    'simulator-open.md',
    'simulator.md',
    'testing.md',
  ])
})

test('docs/api/server.md has every variant of a union, what a type is made of, and what the import adds to Koa', (t) => {
  const text = pages.get('api/server.md') ?? ''
  const store = readFileSync(join(root, 'src/stores/store.ts'), 'utf8')
  const variants = Array.from(store.matchAll(/^ +\| \{ (\w+: '\w+')/gm), ([, variant = '']) => variant)

  t.true(variants.length > 4)
  for (const variant of variants) t.true(text.includes(variant), variant)
  t.regex(text, /^const STATUS_BY_REASON: \{/m)
  t.regex(text, /^declare module 'koa' \{[\s\S]*\$wxSession/m)
})

test('docs/api-report.txt has every exported name, and no other; if not: npm run docs, and a line in the changelog', (t) => {
  t.is(readFileSync(join(root, 'docs/api-report.txt'), 'utf8'), printReport(entries))
})

test('docs/api.md: every exported name says what it is', (t) => {
  for (const { name, exports } of ours) {
    const silent = exports.filter(({ comment }) => comment.text === '').map((one) => one.name)
    t.deepEqual(silent, [], name)
  }
})

test('docs/api.md: every option says what it is, and every number in which unit', (t) => {
  for (const { name, exports } of entries) {
    const isOurs = (one: Declaration) =>
      OURS.includes(name) ||
      ['WechatOptions', 'PhoneOptions', 'FaultOptions', 'SessionOptions'].includes(one.name)
    for (const one of exports.filter((one) => one.name.endsWith('Options') && isOurs(one))) {
      for (const { name: option, comment, code } of one.members) {
        const where = `${name}: ${one.name}.${option}`
        t.not(comment, '', where)
        if (IS_NUMBER.test(code)) t.regex(comment, UNIT, where)
      }
    }
  }
})

test('docs/api.md: every function says what it does, and has an example', (t) => {
  const classes = ours.flatMap(({ exports }) =>
    exports.filter(({ kind }) => kind !== 'interface' && kind !== 'type'),
  )

  for (const { name, comment } of [...called, ...classes]) {
    t.not(comment.text, '', name)
    t.true(comment.examples.length > 0 || isGuard(name), name)
  }
})

test('@throws: every function that checks its options says that it throws', (t) => {
  const checking = new Set(sources().flatMap((text) => (CHECKS.test(text) ? exportedFunctions(text) : [])))
  const silent = called.filter((one) => checking.has(one.name) && one.comment.throws.length === 0)

  t.true(checking.has('weappSession') && checking.has('redisStore'))
  t.deepEqual(
    silent.map(({ name }) => name),
    [],
  )
})

test('@example: the examples compile', (t) => {
  const examples = [...pages.keys()]
    .flatMap((name) => readPage(`docs/${name}`).blocks)
    .filter(({ lang }) => lang === 'ts')
  const inMiniPrograms = examples.filter(({ text }) => text.includes('require('))
  const others = examples.filter((block) => !inMiniPrograms.includes(block))

  t.true(examples.length > 15)
  const complete = others.map((block) => ({ ...block, text: completed(block.text) }))
  t.deepEqual(compile(complete, COMMENTS), [])
  t.deepEqual(
    compile(
      inMiniPrograms.map((block) => ({ ...block, lang: 'js' })),
      MINI_PROGRAM,
    ),
    [],
  )
})

/** An example with what its readers know: where its names come from, and that it stands in a function. */
function completed(text: string): string {
  const lines = text.split('\n')
  const isImport = (line: string) => line.startsWith('import ')
  const imports = lines.filter(isImport)
  const rest = lines.filter((line) => !isImport(line)).join('\n')
  for (const { name, exports } of entries) {
    const used = exports.filter(({ name }) => new RegExp(`\\b${name}\\b`).test(rest)).map(({ name }) => name)
    const missing = used.filter(
      (name) => !imports.some((line) => line.includes(name)) && !HIDDEN.includes(name),
    )
    if (missing.length > 0) imports.push(`import { ${missing.join(', ')} } from '${name}'`)
  }
  if (/\bKoa\b/.test(rest)) imports.push("import Koa from 'koa'")
  const body = rest.includes('declare module') ? rest : `export async function example() {\n${rest}\n}`
  return `${imports.join('\n')}\n${body}`
}

/** Names of types that are words of examples too. */
const HIDDEN = ['Wechat', 'Phone', 'request', 'Session']

const IS_NUMBER = /^(readonly )?\w+\??: ([^{(]*\| )?number\b/
const UNIT =
  /\b(ms|milliseconds|seconds|Unix|bytes|characters|percent|degrees|how many|most|at the same time|errcode|status|Port)\b/i
const CHECKS = /\boptionError\(|\bcheckOptions\(|\bresolveOptions\(/

function sources(): string[] {
  return ['src', 'simulator/src'].flatMap((folder) => {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    return files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(root, folder, file), 'utf8'))
  })
}

function exportedFunctions(text: string): string[] {
  return Array.from(text.matchAll(/^export function (\w+)/gm), ([, name = '']) => name)
}

/** A question with one argument needs no example. */
function isGuard(name: string): boolean {
  return /^is[A-Z]/.test(name)
}
