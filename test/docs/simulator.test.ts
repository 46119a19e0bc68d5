import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { ensureProgram } from '../../scripts/debian.js'
import { runCommand } from '../support/command.js'
import { type Simulator, startSimulator } from '../support/simulator-server.js'
import { readPage, root } from './support/markdown.js'

const run = promisify(execFile)
const page = readPage('docs/simulator.md')

/** The simulator of the page, on a port that is free here. */
async function startOfPage(t: ExecutionContext): Promise<Simulator & { here(text: string): string }> {
  const simulator = await startSimulator(t, { appId: 'wx-dev', appSecret: 'dev' })
  return Object.assign(simulator, {
    here: (text: string) => text.replaceAll('http://127.0.0.1:4000', simulator.url),
  })
}

test('docs/simulator.md: its curl lines do what they say, one after the other', async (t) => {
  const { here, url } = await startOfPage(t)
  const lines = page.blocks.flatMap(({ lang, text }) => (lang === 'sh' ? text.split('\n') : []))
  const ours = lines.filter((line) => line.startsWith('curl -s'))
  t.true(ours.length >= 12)
  let code = ''
  for (const line of ours) {
    const { stdout } = await run('sh', ['-c', here(line)], { env: { ...process.env, CODE: code } })
    const answer = JSON.parse(stdout)
    t.is(answer.error, undefined, line)
    t.is(answer.errcode, undefined, line)
    code = answer.code ?? code
  }
  t.deepEqual(JSON.parse(await (await fetch(`${url}/simulator/users`)).text()).users, [])
})

test('docs/simulator.md: the test in Python passes', async (t) => {
  if (spawnSync('python3', ['--version']).error) return t.pass('SKIPPED: there is no python3')
  const { here } = await startOfPage(t)
  const { stderr } = await run('python3', [written(t, 'python', here)])

  t.regex(stderr, /Ran 3 tests[\s\S]*OK/)
})

test('docs/simulator.md: the test in PHP passes', async (t) => {
  if (!ensureProgram({ command: 'php', versionFlag: '--version', package: 'php-cli' })) {
    t.log('SKIPPED: there is no php, and it could not be installed')
    return t.pass()
  }
  const { here, ask } = await startOfPage(t)
  const { stdout, stderr } = await run('php', [written(t, 'php', here)])

  t.is(stdout + stderr, '')
  t.is((await ask('GET', '/calls')).last, 3)
})

test('docs/simulator.md: it lists each request of the control API, each option and each code', async (t) => {
  const { control } = await startOfPage(t)
  const { routes } = (await control('GET', '')).body
  const inTable = Array.from(
    page.text.matchAll(/^\| `((?:GET|POST|DELETE) \/simulator\S*)` \|/gm),
    ([, one]) => one,
  )
  t.deepEqual(inTable, Object.keys(routes))

  const { stdout } = await runCommand(['--help'])
  const options = Array.from(stdout.matchAll(/^ {2}(--[\w-]+)/gm), ([, name]) => name)
  for (const name of options) t.regex(page.text, new RegExp(`^\\| .*\`${name}[ \`]`, 'm'), name)

  const source = readFileSync(join(root, 'simulator/src/control/control-error.ts'), 'utf8')
  for (const [, code] of source.matchAll(/^ {2}(ERR_\w+): \d/gm))
    t.true(page.text.includes(`\`${code}\``), code)
})

/** The example in that language, as a file. */
function written(t: ExecutionContext, lang: string, here: (text: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-docs-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { text = '' } = page.blocks.find((block) => block.lang === lang) ?? {}
  const path = join(folder, `login.${lang}`)
  writeFileSync(path, here(text))
  return path
}
