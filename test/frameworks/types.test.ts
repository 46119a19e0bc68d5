/** Our types, with those that frameworks and routers publish: compiled, never run. */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { packServer, root, run } from '../packages/support/pack.js'
import { installBeside } from './support/install.js'

const here = join(root, 'test/frameworks/types')

/** The folder of each row, the one with its facts, and the packages that these are about. */
const ROWS: { name: string; facts: string; packages: string[] }[] = [
  ...['koa-2.13', 'koa-2', 'koa-3'].map((name) => ({
    name,
    facts: 'koa',
    packages: ['koa', '@types/koa', '@koa/router', 'koa-router', '@types/koa-router'],
  })),
  ...['midway-3', 'midway-4'].map((name) => ({ name, facts: 'midway', packages: ['@midwayjs/koa'] })),
  ...['egg-3', 'egg-4'].map((name) => ({ name, facts: name, packages: ['egg'] })),
]

let work: string
let tarball: string

test.before('types: the server is packed', async () => {
  work = await mkdtemp(join(tmpdir(), 'weapp-framework-types-'))
  tarball = (await packServer(work)).path
})

test.after.always(() => work && rm(work, { recursive: true, force: true, maxRetries: 3 }))

for (const { name, facts, packages } of ROWS) {
  test.serial(`types: ${name} takes the middleware, narrows, and refuses what is wrong`, async (t) => {
    t.timeout(300_000)
    const folder = join(work, name)
    for (const files of new Set([facts, name])) await cp(join(here, files), folder, { recursive: true })
    await cp(join(here, 'equal.ts'), join(folder, 'equal.ts'))
    await installBeside(folder, [tarball])

    const compilers = [folder, root].map((at) => join(at, 'node_modules/typescript/bin/tsc'))
    for (const tsc of compilers) {
      const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: folder }).catch(
        (error) => error,
      )
      t.is(stdout, '')
    }
    for (const each of [...packages, 'typescript']) t.log(`${each} ${await versionOf(folder, each)}`)
  })
}

async function versionOf(folder: string, name: string): Promise<string> {
  return JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version
}
