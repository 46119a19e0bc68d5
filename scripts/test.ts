/**
 * `npm test`: sees to a redis-server, runs the tests, and then searches all that they printed, sent and stored
 * for every secret that they used. Arguments go to ava: `npm test -- test/login.test.ts`; those that
 * only leave something out, such as `'!test/tour.test.ts'`, leave it out of all. Without any, all but
 * test/faults/, test/app/, test/frameworks/, test/matrix/, test/slow-machine/, test/site/ and test/orders/all/ are run, which take
 * minutes: `npm run test:faults`, `npm run test:app`, `npm run test:frameworks`, `npm run test:matrix`,
 * `npm run test:slow-machine`, `npm run test:site`, `npm run test:orders`.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findLeaks } from './leaks.js'
import { ensureRedisServer } from './redis-server.js'

ensureRedisServer()
const folder = mkdtempSync(join(tmpdir(), 'weapp-test-'))
/** All that `npm test` runs. */
const ALL = [
  'test/**/*.test.ts',
  '!test/faults/**',
  '!test/app/**',
  '!test/frameworks/**',
  '!test/matrix/**',
  '!test/slow-machine/**',
  '!test/site/**',
  '!test/orders/all/**',
]
const asked = process.argv.slice(2)
const onlyLeavesOut = asked.every((arg) => arg.startsWith('!'))
const { status, output } = await runAva(onlyLeavesOut ? [...ALL, ...asked] : asked)
const isClean = searchForSecrets(output)
rmSync(folder, { recursive: true, force: true })
process.exitCode = status || (isClean ? 0 : 1)

async function runAva(args: string[]): Promise<{ status: number; output: string }> {
  const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url))
  const env = { ...process.env, WEAPP_TEST_TRACE: folder }
  const child = spawn(process.execPath, [ava, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output += text
      process[stream].write(text)
    })
  }
  const [status] = await once(child, 'close')
  return { status: status ?? 1, output }
}

function searchForSecrets(output: string): boolean {
  const secrets = new Set(collected('secrets').split('\n').filter(Boolean))
  const texts: [string, string][] = [
    ['output', output],
    ['responses', collected('responses')],
    ['Redis', collected('redis')],
  ]

  const leaks = findLeaks(secrets, texts)

  const sizes = texts.map(([where, text]) => `${where} ${Math.ceil(text.length / 1024)} KB`).join(', ')
  console.log(`\n  secrets: ${leaks.length} leaks of ${secrets.size} secrets (searched: ${sizes})`)
  for (const { where, secret, before } of leaks)
    console.error(`  LEAK in ${where}: ${secret} after …${before}`)
  return leaks.length === 0
}

/** What the processes of the suite kept in files of this kind. */
function collected(kind: string): string {
  const files = readdirSync(folder).filter((name) => name.startsWith(`${kind}.`))
  return files.map((name) => readFileSync(join(folder, name), 'latin1')).join('\n')
}
