import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Hono 4 on Node', how: '`honoBridge()`', package: 'hono' },
  name: 'hono-4',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
  cases: BRIDGE_CASES,
})
