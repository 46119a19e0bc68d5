import { prove } from './support/prove.js'

prove({
  name: 'koa-2.13',
  app: 'koa',
  koa: /^2\.13\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
})
