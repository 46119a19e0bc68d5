import { prove } from './support/prove.js'

prove({
  name: 'koa-2',
  app: 'koa',
  koa: /^2\.16\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
})
