import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KEY } from '../support/visitor.js'
import { type Case, isLoggedIn, logIn } from './cases.js'

/** What holds in an app of Egg whose CSRF protection lets /api/ pass. */
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

/** What holds where the options are in Egg's config. */
export const DUMPS: Case = {
  title: 'Egg writes its config into files, and no secret of ours',
  async run(t, app) {
    const run = join(app.folder, 'run')
    const dumps = (await readdir(run)).filter((name) => name.endsWith('_config.json'))
    t.deepEqual(dumps.sort(), ['agent_config.json', 'application_config.json'])
    for (const name of dumps) {
      const text = await readFile(join(run, name), 'utf8')
      t.true(text.includes('weappSession'), name)
      for (const secret of [app.wechat.appSecret, KEY]) t.false(text.includes(secret), name)
    }
  },
}
