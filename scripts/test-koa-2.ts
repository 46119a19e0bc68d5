/**
 * `npm run test:koa-2`: the server's tests, on Koa 2 in the place of Koa 3. In a copy of the project, because Node finds packages
 * by their folder. The Koa is that of test/frameworks/koa-2, with its types. Arguments go to ava; without any, all tests
 * of the server are run: those in test/ itself.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'weapp-koa-2-'))

try {
  copyProject()
  putKoa2()
  console.log(`Koa ${versionOf('koa')}, @types/koa ${versionOf('@types/koa')}`)
  await runInCopy(join('node_modules', 'typescript/bin/tsc'), [])
  await runInCopy(join('node_modules', 'typescript/bin/tsc'), ['-p', 'simulator'])
  const files = process.argv.slice(2)
  await runInCopy('scripts/test.ts', files.length > 0 ? files : ['test/*.test.ts'])
} finally {
  rmSync(copy, { recursive: true, force: true, maxRetries: 3 })
}

/** What git knows or would add, and the packages. */
function copyProject(): void {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const names = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)
  for (const name of names) cpSync(join(root, name), join(copy, name))
  cpSync(join(root, 'node_modules'), join(copy, 'node_modules'), { recursive: true, verbatimSymlinks: true })
  cpSync(join(root, 'client/dist'), join(copy, 'client/dist'), { recursive: true })
}

/** With the packages that it needs below it, so that nobody else gets them. */
function putKoa2(): void {
  const installed = mkdtempSync(join(tmpdir(), 'weapp-koa-2-packages-'))
  try {
    cpSync(join(root, 'test/frameworks/koa-2'), installed, { recursive: true })
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
    execFileSync('npm', ['ci', ...flags], { cwd: installed, stdio: 'inherit' })
    for (const name of ['koa', '@types/koa']) {
      rmSync(inCopy(name), { recursive: true })
      cpSync(join(installed, 'node_modules', name), inCopy(name), { recursive: true })
    }
    for (const name of readdirSync(join(installed, 'node_modules'))) {
      if (name === 'koa' || name.startsWith('.') || name.startsWith('@')) continue
      cpSync(join(installed, 'node_modules', name), join(inCopy('koa'), 'node_modules', name), {
        recursive: true,
      })
    }
  } finally {
    rmSync(installed, { recursive: true, force: true })
  }
}

async function runInCopy(program: string, args: string[]): Promise<void> {
  const child = spawn(process.execPath, ['--import=tsx', program, ...args], { cwd: copy, stdio: 'inherit' })
  const [status] = await once(child, 'close')
  if (status !== 0) process.exitCode = 1
}

function inCopy(name: string): string {
  return join(copy, 'node_modules', name)
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(inCopy(name), 'package.json'), 'utf8')).version
}
