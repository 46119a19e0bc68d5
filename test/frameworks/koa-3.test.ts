import { prove } from './support/prove.js'

prove({
  name: 'koa-3',
  app: 'koa',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
})
