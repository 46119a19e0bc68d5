import { prove } from './support/prove.js'
import { THINKJS } from './thinkjs-cases.js'

prove({
  row: { title: 'ThinkJS 3', how: '`config/middleware.js`, before `payload`', package: 'thinkjs' },
  name: 'thinkjs-3',
  koa: /^2\./,
  // think-loader asks for ThinkJS 4, of which it loads no more than settings and middleware.
  otherKoas: ['3.3.0'],
  shared: 'src',
  isTyped: true,
  start: 'production.js',
  cases: THINKJS,
})
