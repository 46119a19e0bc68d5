import { BRIDGE_CASES } from './bridge-cases.js'
import { prove } from './support/prove.js'

prove({
  row: { title: 'NestJS 11 on Express', how: '`nodeBridge()`', package: '@nestjs/core' },
  name: 'nest-11',
  label: 'nest-11 on express',
  app: 'nest',
  koa: /^3\./,
  shared: 'src',
  isTyped: true,
  start: 'dist/express.js',
  cases: BRIDGE_CASES,
})
