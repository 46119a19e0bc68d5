import { type Case, isLoggedIn, logIn } from './cases.js'
import { prove } from './support/prove.js'

const FILTER: Case = {
  title: 'a login whose answer a filter of the app has made',
  async run(t, app, family) {
    const login = await logIn(app, family, '/no/such/route')

    t.is(login.answer.status, 404)
    t.deepEqual(JSON.parse(login.answer.text), { filtered: true })
    await isLoggedIn(t, login)
  },
}

prove({
  row: { title: 'Midway 4', how: '`app.use(session)` in `onReady()`', package: '@midwayjs/koa' },
  name: 'midway-4',
  koa: /^3\./,
  shared: 'src',
  isTyped: true,
  start: 'bootstrap.js',
  cases: [FILTER],
})
