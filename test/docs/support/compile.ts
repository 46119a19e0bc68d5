import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Block, root } from './markdown.js'

/** What a kind of example is compiled with, beside the example itself. */
interface Setting {
  extension: 'ts' | 'js'
  compilerOptions: object
  /** Files of this folder that are compiled with them. */
  with: string[]
}

/** Against the sources, so that nothing has to be built, and a document cannot be ahead of them. */
const PATHS = {
  'koa-weapp-session': ['../../src/index.ts'],
  'koa-weapp-session/bridge': ['../../src/bridge/index.ts'],
  'koa-weapp-session/inspector': ['../../src/inspector/index.ts'],
  'koa-weapp-session/jwt': ['../../src/jwt/index.ts'],
  'koa-weapp-session/express-store': ['../../src/stores/express/index.ts'],
  'koa-weapp-session/koa-store': ['../../src/stores/koa/index.ts'],
  'koa-weapp-session/testing': ['../../src/testing/index.ts'],
  'weapp-simulator': ['../../simulator/src/index.ts'],
  'weapp-simulator/open': ['../../simulator/src/open/index.ts'],
}

export const SERVER: Setting = {
  extension: 'ts',
  with: ['globals.d.ts', 'packages.d.ts'],
  compilerOptions: {
    target: 'ES2023',
    lib: ['ES2023'],
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    paths: PATHS,
  },
}

/** Examples in comments of the sources: shorter, so that more is taken for granted. */
export const COMMENTS: Setting = { ...SERVER, with: [...SERVER.with, 'api-globals.d.ts'] }

/** JavaScript of mini programs, against WeChat's own typings. */
export const MINI_PROGRAM: Setting = {
  extension: 'js',
  with: ['mini-program.d.ts'],
  compilerOptions: {
    target: 'ES2017',
    lib: ['ES2017'],
    module: 'CommonJS',
    moduleResolution: 'bundler',
    types: ['miniprogram-api-typings'],
    allowJs: true,
    checkJs: true,
    strict: false,
    noEmit: true,
  },
}

/** Compiles examples in one run. What the compiler says of each, with the place it stands at; nothing is good. */
export function compile(blocks: Block[], setting: Setting): string[] {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const folder = mkdtempSync(join(root, '.tmp/docs-'))
  try {
    blocks.forEach(({ lang, text }, i) => {
      writeFileSync(join(folder, `${i}.${setting.extension}`), sourceOf(lang, text))
      // An example that is a file of its own can be imported by the others.
      const [, name] = /^\/\/ ([\w-]+)\.ts\n/.exec(text) ?? []
      if (name) writeFileSync(join(folder, `${name}.ts`), `export * from './${i}.js'\n`)
    })
    for (const name of setting.with) copyFileSync(join(root, 'test/docs/support', name), join(folder, name))
    const { compilerOptions } = setting
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    })
    return stdout
      .split('\n')
      .filter((line) => line.includes('error TS'))
      .map((line) => line.replace(/^(\d+)\.\w+\((\d+),/, (_, i, row) => `${blocks[i]?.where} +${row} (`))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function sourceOf(lang: string, text: string): string {
  // Documents stand a folder higher than the copies of their examples.
  const there = text.replaceAll("from '../", "from '../../")
  if (lang !== 'ts') return there
  return /^(import|export) /m.test(there) ? there : `${there}\nexport {}\n`
}
