import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'Fastify 5', how: '`fastifyBridge()`', package: 'fastify' },
  name: 'fastify-5',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
  cases: BRIDGE_CASES,
})
