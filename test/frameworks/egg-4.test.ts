import { type Case, isLoggedIn, logIn } from './cases.js'
import { prove } from './support/prove.js'

const CSRF: Case[] = [
  {
    title: 'what the CSRF protection refuses says no word, and spends no code',
    async run(t, app, family) {
      const login = await logIn(app, family, '/me', { method: 'POST' })
      const { answer, code } = login

      t.is(answer.status, 403)
      for (const name of ['Login', 'Session', 'Token', 'Session-Error'])
        t.is(answer.headers.get(family + name), null)
      t.false(answer.headers.getSetCookie().some((line) => line.includes('wx-session')))
      const headers = { [`${family}Code`]: code, [`${family}Login`]: 'code' }
      await isLoggedIn(t, { ...login, answer: await app.send('/me', headers) })
    },
  },
  {
    title: 'a login by a POST that the CSRF protection lets pass',
    async run(t, app, family) {
      const login = await logIn(app, family, '/api/me', { method: 'POST' })

      t.is(login.answer.status, 200)
      await isLoggedIn(t, login)
    },
  },
]

prove({
  row: { title: 'Egg 4', how: '`config.middleware`, after Egg’s own', package: 'egg' },
  name: 'egg-4',
  app: 'egg-3',
  koa: /^3\./,
  shared: '.',
  isTyped: false,
  start: 'start.js',
  cases: CSRF,
})
