import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'NestJS 11 on Fastify', how: '`fastifyBridge()`', package: '@nestjs/core' },
  name: 'nest-11',
  label: 'nest-11 on fastify',
  app: 'nest',
  koa: /^3\./,
  shared: 'src',
  isTyped: true,
  start: 'dist/fastify.js',
  cases: BRIDGE_CASES,
})
