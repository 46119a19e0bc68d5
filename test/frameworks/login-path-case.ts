/** What holds where the middleware is before whatever reads bodies, or understands what that has read. */
import { newCode } from '../support/wechat.js'
import { type Case, given, isRefused, isUser } from './cases.js'

let users = 0

export const LOGIN_PATH: Case = {
  title: 'loginPath and logoutPath',
  async run(t, app, family) {
    const user = `by loginPath ${++users}`
    const code = await newCode(app.wechat.phone(user))

    const answer = await app.send('/login', {}, 'POST', { code })

    t.is(answer.status, 200, answer.text)
    t.is(JSON.parse(answer.text).login, 'accepted')
    t.is(answer.headers.get(`${family}Login`), 'accepted')
    t.is(answer.headers.get('Cache-Control'), 'no-store')
    const { openId } = app.wechat.user(user)
    const alice = given({ app, family, answer, code, openId })
    isUser(t, await app.send('/me', alice), openId)
    // As `wx.request` sends it: it says that an empty body is JSON.
    const logout = await app.send('/logout', { ...alice, 'Content-Type': 'application/json' }, 'POST')
    t.deepEqual(JSON.parse(logout.text), { logout: 'done' })
    isRefused(t, await app.send('/me', alice), family, 'ERR_SESSION_EXPIRED')
  },
}
