import { CSRF } from './egg-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Egg 3', how: '`config.middleware`, after Egg’s own', package: 'egg' },
  name: 'egg-3',
  koa: /^2\./,
  shared: '.',
  isTyped: true,
  start: 'start.js',
  cases: CSRF,
})
