import { CSRF, DUMPS } from './egg-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Egg 4, as a plugin', how: '`config/plugin.js`', package: 'egg' },
  name: 'egg-4',
  app: 'egg-3-plugin',
  label: 'egg-4-plugin',
  koa: /^3\./,
  shared: '.',
  start: 'start.js',
  cases: [...CSRF, DUMPS],
})
