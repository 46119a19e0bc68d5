import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KEY } from '../support/visitor.js'
import type { Case } from './cases.js'
import { CSRF } from './egg-cases.js'
import { prove } from './support/prove.js'

const DUMPS: Case = {
  title: 'Egg writes its config into files, and no secret of ours',
  async run(t, app) {
    const run = join(app.folder, 'run')
    const dumps = (await readdir(run)).filter((name) => name.endsWith('_config.json'))
    t.deepEqual(dumps.sort(), ['agent_config.json', 'application_config.json'])
    for (const name of dumps) {
      const text = await readFile(join(run, name), 'utf8')
      t.true(text.includes('weappSession'), name)
      for (const secret of [app.wechat.appSecret, KEY]) t.false(text.includes(secret), name)
    }
  },
}

prove({
  row: { title: 'Egg 3, as a plugin', how: '`config/plugin.js`', package: 'egg' },
  name: 'egg-3-plugin',
  koa: /^2\./,
  shared: '.',
  start: 'start.js',
  cases: [...CSRF, DUMPS],
})
