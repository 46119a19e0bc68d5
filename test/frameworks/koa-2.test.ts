import { prove } from './support/prove.js'

prove({
  row: { title: 'Koa 2', how: '`app.use(session)`', package: 'koa' },
  name: 'koa-2',
  app: 'koa',
  koa: /^2\.16\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
})
