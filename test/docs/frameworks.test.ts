import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { allPages, root } from './support/markdown.js'

const files = allPages()
  .flatMap(({ blocks }) => blocks)
  .filter(({ note }) => note.startsWith('test/frameworks/'))

test('an example that names a file of a tested app is that file', (t) => {
  t.true(files.length >= 6)
  for (const { note, text, where } of files) {
    t.is(text, readFileSync(join(root, note), 'utf8').trimEnd(), where)
  }
})

test('the versions that docs/frameworks.md says are tested are those of the lock files', (t) => {
  const { text } = allPages().find(({ path }) => path === 'docs/frameworks.md') ?? { text: '' }
  const locked: [folder: string, name: string][] = [
    ['koa-2.13', 'koa'],
    ['koa-2', 'koa'],
    ['koa-3', 'koa'],
    ['egg-3', 'egg'],
    ['midway-4', '@midwayjs/koa'],
  ]

  for (const [folder, name] of locked) {
    const lock = JSON.parse(readFileSync(join(root, 'test/frameworks', folder, 'package-lock.json'), 'utf8'))
    const { version } = lock.packages[`node_modules/${name}`]
    t.regex(text, new RegExp(`\\| .*${version.replaceAll('.', '\\.')}`), `${folder}: ${version}`)
  }
})
