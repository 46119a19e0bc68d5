import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Declarations } from '../../scripts/declarations.js'

/** Reads `index.d.ts` of these files. */
function read(t: ExecutionContext, files: Record<string, string>): Declarations {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-declarations-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return new Declarations(join(folder, 'index.d.ts'))
}

test('Declarations: a union is read to its end, whatever stands between its variants', (t) => {
  const union = `type State = {\n    state: 'a';\n}\n/** The second. */\n | {\n    state: 'b';\n} | 'c';`
  const [state] = read(t, { 'index.d.ts': `/** Where it is. */\nexport ${union}\nexport {};\n` }).exports()

  t.is(state?.code, union)
  t.is(state?.comment.text, 'Where it is.')
  t.deepEqual(
    state?.members.map(({ code }) => code),
    ["state: 'a';", "state: 'b';"],
  )
})

test('Declarations: exports are followed to where they are declared: by name, renamed, and all of a module', (t) => {
  const declarations = read(t, {
    'index.d.ts': `
      export { a, type B as C } from './one.js';
      export type * from './two.js';
      import { later } from './two.js';
      export { later };
      export declare function here(): void;`,
    'one.d.ts': 'export declare const a: 1;\nexport interface B {}\nexport interface Hidden {}\n',
    'two.d.ts': 'export interface D {}\nexport declare function later(): void;\n',
  })

  const names = declarations.exports().map(({ name, kind }) => `${kind} ${name}`)

  t.deepEqual([...new Set(names)].sort(), [
    'const a',
    'function here',
    'function later',
    'interface C',
    'interface D',
  ])
})

test('Declarations: it finds the types that exports use, in other files too, and leaves packages alone', (t) => {
  const declarations = read(t, {
    'index.d.ts': `
import type Koa from 'koa';
import { STATUS, type Base } from './base.js';
declare module 'koa' {
    interface Context {
        reason: Reason;
    }
}
export type Reason = keyof typeof STATUS;
export interface Options extends Base {
    app: Koa;
}
interface Other {
}
`,
    'base.d.ts':
      'export declare const STATUS: {\n    a: 1;\n};\nexport interface Base {\n    deep: Deep;\n}\ninterface Deep {\n}\n',
  })
  const exported = declarations.exports()

  t.deepEqual(
    declarations.neededBy(exported).map(({ name }) => name),
    ['STATUS', 'Base', 'Deep'],
  )
  t.regex(
    declarations.augmentations(exported)[0]?.code ?? '',
    /^declare module 'koa' \{[\s\S]*reason: Reason/,
  )
})

test('Declarations: overloads stand together, and the tags of a comment apart from its text', (t) => {
  const [f] = read(t, {
    'index.d.ts': `
/**
 * Does it.
 *
 * @throws {TypeError} never
 * @example
 * f(1)
 */
export declare function f(a: number): void;
export declare function f(a: string): void;
`,
  }).exports()

  t.is(f?.code, 'function f(a: number): void;\nfunction f(a: string): void;')
  t.deepEqual(f?.comment, { text: 'Does it.', throws: ['{TypeError} never'], examples: ['f(1)'] })
})

test('Declarations: it reads the exports of a namespace that is the module', (t) => {
  const declarations = read(t, {
    'index.d.ts': `
declare function main(options: main.Options): void;
declare namespace main {
    /** Ours. */
    export interface Options extends Callbacks {
        a: 1;
    }
    interface Callbacks {
    }
    export { main as default };
}
export = main;
`,
  })
  const exported = declarations.exports()

  t.deepEqual(
    exported.map(({ name, code }) => [name, code]),
    [
      ['main', 'function main(options: main.Options): void;'],
      ['Options', 'interface Options extends Callbacks {\n    a: 1;\n}'],
    ],
  )
  t.deepEqual(
    declarations.neededBy(exported).map(({ name }) => name),
    ['Callbacks'],
  )
})
