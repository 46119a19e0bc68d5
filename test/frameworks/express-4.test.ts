import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Express 4', how: '`nodeBridge()`', package: 'express' },
  name: 'express-4',
  app: 'express',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
  cases: BRIDGE_CASES,
})
