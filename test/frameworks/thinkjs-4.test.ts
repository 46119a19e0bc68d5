import { prove } from './support/prove.js'
import { THINKJS } from './thinkjs-cases.js'

prove({
  row: { title: 'ThinkJS 4', how: '`config/middleware.js`, before `payload`', package: 'thinkjs' },
  name: 'thinkjs-4',
  app: 'thinkjs-3',
  koa: /^3\./,
  shared: 'src',
  isTyped: true,
  start: 'production.js',
  cases: THINKJS,
})
