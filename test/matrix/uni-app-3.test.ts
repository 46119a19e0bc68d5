/** A program of uni-app 3, built for WeChat by its own tools, on a phone. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import type { Session } from '../../client/src/index.js'
import { run } from '../packages/support/pack.js'
import { logsIn } from './support/compiled.js'
import { type Installed, install } from './support/install.js'

let installed: Installed

test.before('uni-app 3: is installed', async (t) => {
  t.timeout(300_000)
  installed = await install('uni-app-3')
})

test.after.always(() => installed?.remove())

test('uni-app 3: what it builds for WeChat logs in, with `uni` as the `wx` of the session', async (t) => {
  t.timeout(180_000)
  const { folder } = installed
  const bin = join(folder, 'node_modules/@dcloudio/vite-plugin-uni/bin/uni.js')
  await run(process.execPath, [bin, 'build', '-p', 'mp-weixin'], { cwd: folder })
  const built = join(folder, 'dist/build/mp-weixin')
  t.log((await readdir(built)).join(', '))

  await logsIn(t, built, (program) => (program.load('session.js') as { session: Session }).session)
})
