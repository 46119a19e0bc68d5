/** The types of the client, with those that other hosts and frameworks publish: compiled, never run. */
import { join } from 'node:path'
import test from 'ava'
import { root, run } from '../packages/support/pack.js'
import { type Installed, install } from './support/install.js'

let installed: Installed

test.before('hosts: their types are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('hosts')
})

test.after.always(() => installed?.remove())

const HOSTS = { wx: 'wx', uni: 'uni', taro: 'Taro', tt: 'tt', others: 'qq, ks and swan' }

for (const [name, what] of Object.entries(HOSTS)) {
  for (const exact of ['true', 'false']) {
    test(`createSession(): ${what} fits without a cast, with exactOptionalPropertyTypes ${exact}`, async (t) => {
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      const project = join(installed.folder, name)

      const { stdout } = await run(process.execPath, [
        tsc,
        '-p',
        project,
        '--exactOptionalPropertyTypes',
        exact,
      ]).catch((error) => error)

      t.is(stdout, '')
    })
  }
}

test('createSession(): what is no host does not fit', async (t) => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const project = join(installed.folder, 'none')

  const { stdout } = await run(process.execPath, [tsc, '-p', project]).catch((error) => error)

  t.regex(stdout, /session\.ts\(4,.*login/)
})
