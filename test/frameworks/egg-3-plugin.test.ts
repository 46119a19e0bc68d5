import { CSRF, DUMPS } from './egg-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Egg 3, as a plugin', how: '`config/plugin.js`', package: 'egg' },
  name: 'egg-3-plugin',
  koa: /^2\./,
  shared: '.',
  start: 'start.js',
  cases: [...CSRF, DUMPS],
})
