import { prove } from './support/prove.js'

prove({
  row: { title: 'Koa 3', how: '`app.use(session)`', package: 'koa' },
  name: 'koa-3',
  app: 'koa',
  koa: /^3\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
})
