import { prove } from './support/prove.js'

prove({
  row: { title: 'Koa 2.13', how: '`app.use(session)`', package: 'koa' },
  name: 'koa-2.13',
  app: 'koa',
  koa: /^2\.13\./,
  shared: '.',
  isTyped: true,
  start: 'server.mjs',
})
