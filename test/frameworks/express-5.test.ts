import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Express 5', how: '`nodeBridge()`', package: 'express' },
  name: 'express-5',
  app: 'express',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
  cases: BRIDGE_CASES,
})
