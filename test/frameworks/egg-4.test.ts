import { CSRF } from './egg-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Egg 4', how: '`config.middleware`, after Egg’s own', package: 'egg' },
  name: 'egg-4',
  app: 'egg-3',
  koa: /^3\./,
  shared: '.',
  isTyped: false,
  start: 'start.js',
  cases: CSRF,
})
