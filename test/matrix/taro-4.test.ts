/** A program of Taro 4, with React, built for WeChat by its own tools, on a phone. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Session } from '../../client/src/index.js'
import { run } from '../packages/support/pack.js'
import { logsIn } from './support/compiled.js'
import { type Installed, install } from './support/install.js'

let installed: Installed

test.before('Taro 4: is installed', async (t) => {
  t.timeout(300_000)
  installed = await install('taro-4')
})

test.after.always(() => installed?.remove())

test('Taro 4: what it builds for WeChat logs in, with `Taro` as the `wx` of the session', async (t) => {
  t.timeout(180_000)
  const { folder } = installed
  const bin = join(folder, 'node_modules/@tarojs/cli/bin/taro')
  const env = { ...process.env, NODE_ENV: 'production' }
  await run(process.execPath, [bin, 'build', '--type', 'weapp'], { cwd: folder, env, maxBuffer: 64 << 20 })
  const built = join(folder, 'dist')
  t.log((await readdir(built)).join(', '))

  await logsIn(t, built, ({ app }) => app.session as Session)
})
