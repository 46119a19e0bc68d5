import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { readPage, root } from './support/markdown.js'

for (const path of ['docs/testing.md', 'docs/zh/testing.md']) {
  test.serial(`${path}: its tests pass, as they are printed`, async (t) => {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    const folder = mkdtempSync(join(root, '.tmp/testing-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    for (const { text } of readPage(path).blocks) {
      const [, name] = /^\/\/ ([\w.]+\.mjs)\n/.exec(text) ?? []
      if (name) writeFileSync(join(folder, name), text)
    }

    // The runner of these tests says to its children that they are children.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import=tsx', '--test', '--test-reporter=tap', join(folder, 'session.test.mjs')],
      { cwd: root, env: { ...env, TSX_TSCONFIG_PATH: join(root, 'test/support/sources.tsconfig.json') } },
    )

    t.regex(stdout, /^# pass 8$/m)
    t.regex(stdout, /^# fail 0$/m)
  })
}
