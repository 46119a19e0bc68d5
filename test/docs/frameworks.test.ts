import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { allPages, root } from './support/markdown.js'

// A Chinese page has the same code, with comments of its own.
const files = allPages()
  .filter(({ path }) => !path.startsWith('docs/zh/'))
  .flatMap(({ blocks }) => blocks)
  .filter(({ note }) => /^test\/(frameworks|matrix)\//.test(note))

test('an example that names a file of a tested app is that file', (t) => {
  t.true(files.length >= 16)
  for (const { note, text, where } of files) {
    t.is(text, readFileSync(join(root, note), 'utf8').trimEnd(), where)
  }
})

test('docs/frameworks.md has the versions of the lock files in its table', (t) => {
  const { text } = allPages().find(({ path }) => path === 'docs/frameworks.md') ?? { text: '' }
  const locked: [folder: string, name: string][] = [
    ['koa-2.13', 'koa'],
    ['koa-2', 'koa'],
    ['koa-3', 'koa'],
    ['egg-3', 'egg'],
    ['egg-3-plugin', 'egg'],
    ['egg-4', 'egg'],
    ['midway-3', '@midwayjs/koa'],
    ['midway-4', '@midwayjs/koa'],
    ['thinkjs-3', 'thinkjs'],
    ['thinkjs-4', 'thinkjs'],
    ['express-4', 'express'],
    ['express-5', 'express'],
    ['fastify-5', 'fastify'],
    ['hono-4', 'hono'],
    ['nest-11', '@nestjs/core'],
    ['nest-12', '@nestjs/core'],
  ]

  for (const [folder, name] of locked) {
    const lock = JSON.parse(readFileSync(join(root, 'test/frameworks', folder, 'package-lock.json'), 'utf8'))
    const { version } = lock.packages[`node_modules/${name}`]
    t.regex(text, new RegExp(`\\| ${version.replaceAll('.', '\\.')} \\|`), `${folder}: ${version}`)
  }
})

test('the versions that docs/typescript.md says are tested are those of the lock files', (t) => {
  const { text } = allPages().find(({ path }) => path === 'docs/typescript.md') ?? { text: '' }
  const locked = {
    koa: ['koa-2.13', 'koa-2', 'koa-3'],
    '@midwayjs/koa': ['midway-3', 'midway-4'],
    egg: ['egg-3', 'egg-4'],
  }

  for (const [name, folders] of Object.entries(locked)) {
    const versions = folders.map((folder) => {
      const path = join(root, 'test/frameworks/types', folder, 'package-lock.json')
      return JSON.parse(readFileSync(path, 'utf8')).packages[`node_modules/${name}`].version
    })
    t.true(text.includes(`| ${versions.join(', ')} |`), name)
  }
})

test('the versions that docs/stores.md says are tested are those of the lock file', (t) => {
  const { text } = allPages().find(({ path }) => path === 'docs/stores.md') ?? { text: '' }
  const lock = JSON.parse(readFileSync(join(root, 'test/matrix/stores/package-lock.json'), 'utf8'))
  const rows = [...text.matchAll(/^\| ([\w-]+) \| (\d[\d.]+) \|/gm)]

  t.true(rows.length >= 17)
  for (const [, name, version] of rows) t.is(version, lock.packages[`node_modules/${name}`].version, name)
})

test('the versions that docs/hosts.md says are tested are those of the lock files, and each recipe is printed', (t) => {
  const { text } = allPages().find(({ path }) => path === 'docs/hosts.md') ?? { text: '' }
  const locked: [folder: string, names: string[]][] = [
    ['libraries', ['axios', 'flyio', 'alova', 'luch-request']],
    ['libraries', ['@escook/request-miniprogram', '@mpxjs/fetch', 'sentry-miniapp']],
    ['taro-4', ['@tarojs/cli']],
    ['uni-app-3', ['@dcloudio/vite-plugin-uni']],
    ['miniprogram-ci', ['miniprogram-ci']],
    ['babel-6', ['babel-core']],
  ]

  for (const [folder, names] of locked) {
    const lock = JSON.parse(readFileSync(join(root, 'test/matrix', folder, 'package-lock.json'), 'utf8'))
    for (const name of names) {
      const { version } = lock.packages[`node_modules/${name}`]
      t.true(text.includes(`| ${version} |`), `${name}: ${version}`)
    }
  }
  for (const name of readdirSync(join(root, 'test/matrix/recipes')).filter(
    (name) => name !== 'session-alone.js',
  ))
    t.true(
      files.some(({ note }) => note === `test/matrix/recipes/${name}`),
      name,
    )
})
