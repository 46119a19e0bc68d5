/** A login in every runner of tests, and in bundles, with the packages as they are installed. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import { readPage } from '../docs/support/markdown.js'
import { packClient, run } from '../packages/support/pack.js'
import { isInMatrix, versionIn } from '../support/matrix-row.js'
import { type Installed, install, SERVER } from './support/install.js'

let installed: Installed

test.before('runners: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('runners', [...SERVER, packClient])
})

test.after.always(() => installed?.remove())

interface Runner {
  /** The package whose version counts; none for what Node has. */
  package?: string
  args: string[]
  /** What it says of a test that has passed. */
  says: RegExp
  /** What is to be done for it. */
  recipe: string
}

const jest = 'node_modules/jest/bin/jest.js'

const RUNNERS: Record<string, Runner> = {
  'node:test': { args: ['--test', 'node-test'], says: /^# pass 1$|ℹ pass 1/m, recipe: 'nothing' },
  Vitest: {
    package: 'vitest',
    args: ['node_modules/vitest/vitest.mjs', 'run', 'vitest'],
    says: /1 passed/,
    recipe: 'nothing',
  },
  'Mocha, modules and CommonJS': {
    package: 'mocha',
    args: ['node_modules/mocha/bin/mocha.js', 'mocha/login.test.mjs', 'mocha/login.test.cjs'],
    says: /2 passing/,
    recipe: 'nothing',
  },
  'Jest, modules': {
    package: 'jest',
    args: ['--experimental-vm-modules', jest, '-c', 'jest-esm/jest.config.mjs'],
    says: /1 passed/,
    recipe: '`NODE_OPTIONS=--experimental-vm-modules`, `transform: {}`',
  },
  'Jest, CommonJS': {
    package: 'jest',
    args: [jest, '-c', 'jest-cjs/jest.config.cjs'],
    says: /1 passed/,
    recipe: '[`transformIgnorePatterns`](#runners-and-bundlers)',
  },
  'ts-jest': {
    package: 'ts-jest',
    args: [jest, '-c', 'ts-jest/jest.config.cjs'],
    says: /1 passed/,
    recipe: '[`transformIgnorePatterns`](#runners-and-bundlers)',
  },
}

for (const [name, runner] of Object.entries(RUNNERS)) {
  test.serial(`${name}: runs a login`, async (t) => {
    const { stdout, stderr } = await runIn(runner.args)

    t.regex(stripVTControlCharacters(stdout + stderr), runner.says)
    const version = runner.package ? versionIn(installed.folder, runner.package) : 'Node’s own'
    isInMatrix(t, 'docs/frameworks.md', [name, version, runner.recipe])
  })
}

/** What docs/testing.md prints for each runner is one line of its tests; how the runner is started. */
const GUIDE: Record<string, string[]> = {
  'node:test': ['--test'],
  Vitest: ['node_modules/vitest/vitest.mjs', 'run'],
  Jest: ['--experimental-vm-modules', jest, '-c', 'jest-esm/jest.config.mjs', '--rootDir', 'guide'],
  Mocha: ['node_modules/mocha/bin/mocha.js', '--timeout', '10000'],
}

test('docs/testing.md: its tests pass in four runners, with a line changed', async (t) => {
  t.timeout(120_000)
  const { text } = readPage('docs/testing.md')
  const lines = Object.fromEntries(
    Array.from(text.matchAll(/^\| ([\w:]+) \| `(import [^`]+)` \|/gm), ([, name, line]) => [name, line]),
  )
  t.deepEqual(Object.keys(lines), Object.keys(GUIDE))
  const tests = readFileSync(join(installed.folder, 'guide/session.test.mjs'), 'utf8')
  for (const [name, args] of Object.entries(GUIDE)) {
    const file = `guide/${name.replace(/\W/, '-')}.test.mjs`
    writeFileSync(join(installed.folder, file), tests.replace(/^import .*'node:test'$/m, lines[name] ?? ''))

    const { stdout, stderr } = await runIn([...args, name === 'Jest' ? 'Jest' : file])

    t.regex(
      stripVTControlCharacters(stdout + stderr),
      /(pass|passing|Tests).*\b8\b|\b8 (passed|passing)/,
      name,
    )
  }
})

interface Bundler {
  args: string[]
  file: string
  package: string
  recipe: string
}

const BUNDLERS: Record<string, Bundler> = {
  esbuild: { args: ['esbuild.config.mjs'], file: 'esbuild.cjs', package: 'esbuild', recipe: 'nothing' },
  Rollup: {
    args: ['node_modules/rollup/dist/bin/rollup', '-c'],
    file: 'rollup.cjs',
    package: 'rollup',
    recipe: '[`external`](#runners-and-bundlers)',
  },
}

for (const [name, { args, file, package: from, recipe }] of Object.entries(BUNDLERS)) {
  test.serial(`${name}: a bundle logs in, without redis and ws`, async (t) => {
    // What is not there cannot be bundled, nor found.
    for (const missing of ['redis', 'ws'])
      await t.throwsAsync(() => runIn(['-e', `require.resolve('${missing}')`]), {
        message: /MODULE_NOT_FOUND/,
      })

    await runIn(args)
    const { stdout } = await runIn([file])

    const { login, openId, expected } = JSON.parse(stdout)
    t.is(login, 'accepted')
    t.is(openId, expected)
    isInMatrix(t, 'docs/frameworks.md', [name, versionIn(installed.folder, from), recipe])
  })
}

function runIn(args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { folder } = installed
  const env = { PATH: process.env.PATH, HOME: folder, CI: '1' }
  return run(process.execPath, args, { cwd: folder, env, timeout: 120_000 })
}
