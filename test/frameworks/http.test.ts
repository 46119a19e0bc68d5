import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'plain `http`', how: '`nodeBridge()`' },
  name: 'http',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
  cases: BRIDGE_CASES,
})
