/** What holds in an app of ThinkJS: the middleware before `payload`, and a controller that asks for a user. */
import { type Case, given, isRefused, isUser, logIn } from './cases.js'
import { LOGIN_PATH } from './login-path-case.js'

/** ThinkJS finds one controller under each of them. */
const PATHS = ['/members.html', '/MEMBERS', '/members/', '/members/index']

export const THINKJS: Case[] = [
  LOGIN_PATH,
  {
    title: 'a controller that asks for a user does so under every path that leads to it',
    async run(t, app, family) {
      const alice = await logIn(app, family, '/me')

      for (const path of PATHS) {
        isRefused(t, await app.send(path), family, 'ERR_LOGIN_REQUIRED')
        isUser(t, await app.send(path, given(alice)), alice.openId)
      }
    },
  },
]
