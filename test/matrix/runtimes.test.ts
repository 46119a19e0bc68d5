/** One program in every runtime of JavaScript that npm has. */
import { join } from 'node:path'
import test from 'ava'
import { run } from '../packages/support/pack.js'
import { isInMatrix } from '../support/matrix-row.js'
import { useRedis } from '../support/redis.js'
import { type Installed, install, SERVER } from './support/install.js'

const redis = useRedis(test)
/** The packages are those of this system. */
const isHere = process.platform === 'linux' && process.arch === 'x64'
let installed: Installed

test.before('runtimes: are installed', async (t) => {
  t.timeout(300_000)
  if (isHere) installed = await install('runtimes', SERVER)
})

test.after.always(() => installed?.remove())

const RUNTIMES: Record<string, string[]> = {
  'Node 20': [process.execPath],
  'Node 22': ['node-22/bin/node'],
  'Node 24': ['node-24/bin/node'],
  'Bun 1': ['@oven/bun-linux-x64/bin/bun'],
  'Deno 2': ['@deno/linux-x64-glibc/deno', 'run', '--allow-all'],
}

for (const [name, [path = '', ...args]] of Object.entries(RUNTIMES)) {
  const isTried = isHere && (name !== 'Node 20' || process.version.startsWith('v20.'))
  const testHere = isTried ? test.serial : test.serial.skip
  testHere(`${name}: logs in, keeps data, and gives the session of a repeated code`, async (t) => {
    const { folder } = installed
    const program = path.startsWith('/') ? path : join(folder, 'node_modules', path)

    const { stdout } = await run(program, [...args, 'program.mjs'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, REDIS_URL: redis().options.url },
      timeout: 60_000,
    })

    const results = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
    t.is(Object.keys(results).length, 6)
    for (const [what, result] of Object.entries(results)) t.deepEqual(result, { count: 3, again: 200 }, what)
    const { stdout: said } = await run(program, ['--version'])
    const [found = ''] = /\d+\.\d+\.\d+/.exec(said) ?? []
    // Whichever the tests run with.
    const version = path === process.execPath ? '≥ 20.19' : found
    isInMatrix(t, 'docs/frameworks.md', [name, version, 'logs in'])
  })
}
