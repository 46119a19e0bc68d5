import test from 'ava'
import { brokenRules, importsOf, readImports } from '../../scripts/imports.js'

test('imports: they go one way; if not: scripts/import-rules.ts has the rules', (t) => {
  const all = readImports()

  t.true(all.length > 80)
  t.deepEqual(brokenRules(all), [])
})

const BREACHES: [file: string, text: string, said: RegExp][] = [
  ['src/util/json.ts', "import { a } from '../session/session.js'", /"util, .*" stands below "login, /],
  ['src/wechat/api.ts', "export type { A } from '../login/login.js'", /stands below/],
  ['src/crypto/seal.ts', "type A = import('../options.js').A", /stands below/],
  ['src/session/session.ts', "import type { A } from '../stores/memory/store.js'", /imports store\.ts alone/],
  ['src/login/login.ts', "const jose = await import('jose')", /Only src\/jwt\/ loads the package jose/],
  ['client/src/call.ts', "import { a } from '../../src/errors.js'", /imports src\/protocol\.ts alone/],
  ['simulator/src/wechat.ts', "import { a } from '../../src/util/warn.js'", /nothing of the server/],
  ['src/middleware.ts', "import { a } from '../simulator/src/wechat.js'", /without the rest of the project/],
  ['src/index.ts', "import { a } from './inspector/mask.js'", /for development/],
  ['src/new-file.ts', '', /in no layer/],
]

test('imports: an import that breaks a rule is named, with its file and the rule', (t) => {
  for (const [file, text, rule] of BREACHES) {
    const [said = '', ...more] = brokenRules([importsOf(file, text)], [])
    t.true(said.startsWith(file), file)
    t.regex(said, rule)
    t.deepEqual(more, [], file)
  }
})

test('imports: a circle is named with its files, and an exception for it lasts as long as it does', (t) => {
  const a = importsOf('src/util/json.ts', "import { warn } from './warn.js'")
  const b = importsOf('src/util/warn.ts', "import type { Json } from './json.js'")
  const exception = { from: a.file, to: b.file, reason: 'planted' }

  t.deepEqual(brokenRules([a, b], []), [
    'src/util/json.ts imports src/util/warn.ts imports src/util/json.ts. Imports form no circle.',
  ])
  t.deepEqual(brokenRules([a, b], [exception]), [])
  t.regex(brokenRules([a, { ...b, files: [] }], [exception]).join(), /^src\/util\/json\.ts need not import/)
})
