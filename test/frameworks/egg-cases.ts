/** What holds in an app of Egg whose CSRF protection lets /api/ pass. */
import { type Case, isLoggedIn, logIn } from './cases.js'

export const CSRF: Case[] = [
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
