import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'acorn'
import test from 'ava'
import { parseDocument } from 'yaml'
import { ensureProgram } from '../../scripts/debian.js'
import { compile, MINI_PROGRAM, SERVER } from './support/compile.js'
import { allPages, type Block, root } from './support/markdown.js'

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

// docs/api/ prints declarations, which the compiler itself has made.
const blocks = allPages()
  .filter(({ path }) => !path.startsWith('docs/api/'))
  .flatMap(({ blocks }) => blocks)
const inLanguage = (...langs: string[]) => blocks.filter(({ lang }) => langs.includes(lang))

test.before('the client’s types are those of its sources', () => {
  execFileSync(process.execPath, ['scripts/build-client.js'], { cwd: root })
})

test('docs/: every example is in a language that a test knows', (t) => {
  // `text`: a drawing. Python and PHP are run: simulator.test.ts.
  const known = [
    'ts',
    'js',
    'cjs',
    'diff',
    'sh',
    'json',
    'http',
    'nginx',
    'html',
    'yaml',
    'python',
    'php',
    'text',
  ]
  const others = blocks.filter(({ lang }) => !known.includes(lang))

  t.deepEqual(
    others.map(({ where, lang }) => `${where} ${lang}`),
    [],
  )
})

test('docs/: the examples in TypeScript compile, against the sources', (t) => {
  const examples = inLanguage('ts').filter(isAlone).filter(isProgramOfMany).map(introduced)

  t.true(examples.length > 20)
  t.deepEqual(compile(examples, { ...SERVER, with: [...SERVER.with, 'session-data.d.ts'] }), [])
})

test('docs/: the examples of mini programs compile, against WeChat’s typings', (t) => {
  const after = inLanguage('diff').map((block): Block => ({ ...block, text: afterChange(block.text) }))
  const examples = [...inLanguage('js').filter(isAlone), ...after]

  t.true(examples.length > 10)
  t.deepEqual(compile(examples, MINI_PROGRAM), [])
})

test('docs/: an example that does not compile is found, with its place', (t) => {
  const block = { lang: 'ts', note: '', under: '', where: 'docs/x.md:7' }
  const wrong = "import { weappSession } from 'koa-weapp-session'\nweappSession({ appID: 'wx' })"

  const [said = ''] = compile([{ ...block, text: wrong }], SERVER)

  t.regex(said, /^docs\/x\.md:7 \+2 .*appID/)

  const misspelt =
    "const session = require('../../utils/session')\nsession.reqest({ url: '/me' })\nwx.logn({})"
  const found = compile([{ ...block, lang: 'js', text: misspelt }], MINI_PROGRAM)

  t.deepEqual(
    found.map((line) => /reqest|logn/.exec(line)?.[0]),
    ['reqest', 'logn'],
  )
})

test('docs/: commands of the shell are there: npm scripts, and programs that everybody has', (t) => {
  for (const { text, where } of inLanguage('sh')) {
    for (const line of text.split('\n').filter(Boolean)) {
      for (const command of line.replace(/(^|\s)#.*/, '').split('&&')) {
        t.true(isCommand(command.trim()), `${where}: ${command}`)
      }
    }
  }
})

test('docs/: JSON is JSON, and the other languages parse', (t) => {
  for (const { text, where } of inLanguage('json')) t.notThrows(() => JSON.parse(text), where)
  for (const { text, where } of inLanguage('cjs'))
    t.notThrows(() => parse(text, { ecmaVersion: 2023, sourceType: 'script' }), where)
  for (const { text, where } of inLanguage('yaml')) t.deepEqual(parseDocument(text).errors, [], where)
  for (const { text, where } of inLanguage('html')) t.deepEqual(openTags(text), [], where)
})

test('docs/: nginx takes the configuration that is printed for it', (t) => {
  if (!ensureProgram({ command: 'nginx', versionFlag: '-v', package: 'nginx-light' })) {
    t.log('SKIPPED: there is no nginx, and it could not be installed')
    return t.pass()
  }
  const folder = mkdtempSync(join(tmpdir(), 'weapp-nginx-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [key, certificate] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string]
  const subject = ['-subj', '/CN=api.example.com', '-days', '1', '-nodes']
  const files = ['-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, ...files], { stdio: 'ignore' })
  const examples = inLanguage('nginx')

  t.true(examples.length > 0)
  for (const { text, where } of examples) {
    const http = text.replace(/\S+\.crt;/, `${certificate};`).replace(/\S+\.key;/, `${key};`)
    const config = join(folder, 'nginx.conf')
    const log = `pid ${folder}/pid; error_log ${folder}/error.log;`
    writeFileSync(config, `${log}\nevents {}\nhttp {\naccess_log off;\n${http}\n}\n`)
    const { status, stderr } = spawnSync('nginx', ['-t', '-c', config], { encoding: 'utf8' })
    t.is(status, 0, `${where}: ${stderr}`)
  }
})

/**
 * What docs/typescript.md declares holds for a whole program: it is compiled by itself, in typescript.test.ts. The page in
 * Chinese has the same examples.
 */
function isProgramOfMany({ where }: Block): boolean {
  return !/^docs\/(zh\/)?typescript\.md:/.test(where)
}

/**
 * Files of apps are compiled where their packages are, by `npm run test:frameworks` and `npm run test:matrix`; examples by
 * `npm run types`.
 */
function isAlone({ note }: Block): boolean {
  return !/^(test\/(frameworks|matrix)|examples)\//.test(note)
}

/** The first example of the client's README says where its one name comes from; the others need not. */
function introduced(block: Block): Block {
  const isIntroduced = !block.where.startsWith('client/') || block.text.includes('import ')
  if (isIntroduced) return block
  return { ...block, text: `import { createSession } from 'weapp-session-client'\n${block.text}` }
}

/** What a machine has that develops, or serves. */
const PROGRAMS = [
  ...['node', 'npx', 'openssl', 'curl', 'git', 'export', 'sudo'],
  ...['docker', 'pm2', 'envsubst'],
]

/** What is built is there when it was built. */
function isFile(path: string): boolean {
  return path.includes('/dist/') || existsSync(join(root, path))
}

function isCommand(command: string): boolean {
  const words = command.replace(/^([A-Z_]+=\S+ )+/, '').split(' ')
  const [program = '', first = '', second = ''] = words
  if (program === 'npm' && first === 'run')
    return ((second === '--silent' ? words[3] : second) as string) in scripts
  if (program === 'npm') return ['install', 'ci', 'init', 'pack'].includes(first) || first in scripts
  const areThere = words.filter((word) => /^(deploy|docs|examples|scripts)\//.test(word)).every(isFile)
  return PROGRAMS.includes(program) && first !== '' && areThere
}

/** What is left when a change has been made. */
function afterChange(diff: string): string {
  const lines = diff.split('\n').filter((line) => !line.startsWith('-'))
  return lines.map((line) => line.slice(1)).join('\n')
}

/** Tags that nobody closes, or that close nothing. */
function openTags(html: string): string[] {
  const open: string[] = []
  for (const [, end, name = '', alone] of html.matchAll(/<(\/?)([\w-]+)[^>]*?(\/?)>/g)) {
    if (!end && !alone) open.push(name)
    else if (end && open.pop() !== name) return [`</${name}>`]
  }
  return open
}
