/** What holds in every server that has the sessions by a bridge, beside what holds everywhere. */
import { type Case, given, isRefused, isUser, logIn } from './cases.js'
import { LOGIN_PATH } from './login-path-case.js'

const AT_ONCE = 50

export const BRIDGE_CASES: Case[] = [
  {
    title: `${AT_ONCE} requests at once with one credential: what each has put is saved`,
    async run(t, app, family) {
      const alice = given(await logIn(app, family, '/me'))
      const keys = Array.from({ length: AT_ONCE }, (_, n) => `k${n}`)

      const answers = await Promise.all(keys.map((key) => app.send(`/puts?key=${key}`, alice)))

      t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
      const { text } = await app.send('/puts?key=last', alice)
      t.deepEqual(Object.keys(JSON.parse(text)).sort(), [...keys, 'last'].sort())
    },
  },
  {
    title: 'two requests that take the same: one has it, the other is told of the conflict',
    async run(t, app, family) {
      const alice = given(await logIn(app, family, '/me'))

      const answers = await Promise.all(['a', 'b'].map((key) => app.send(`/takes?key=${key}`, alice)))

      const won = answers.find(({ status }) => status === 200)
      const lost = answers.find(({ status }) => status !== 200)
      if (!won || !lost) return t.fail(`answered ${answers.map(({ status }) => status)}`)
      isRefused(t, lost, family, 'ERR_SESSION_CONFLICT', 409)
      const { text } = await app.send('/puts?key=k', alice)
      t.is(JSON.parse(text).seat, JSON.parse(won.text).seat)
    },
  },
  {
    title: 'a handler that fails has put nothing',
    async run(t, app, family) {
      const alice = given(await logIn(app, family, '/me'))

      const failed = await app.send('/puts-and-fails?key=lost', alice)

      t.is(failed.status, 404)
      const { text } = await app.send('/puts?key=kept', alice)
      t.deepEqual(JSON.parse(text), { kept: true })
    },
  },
  LOGIN_PATH,
  {
    title: 'the body of a login by headers is the handler’s',
    async run(t, app, family) {
      const login = await logIn(app, family, '/me')
      const sent = { order: 'tea '.repeat(1000) }

      const { text } = await app.send('/echo', given(login), 'POST', sent)

      t.deepEqual(JSON.parse(text).body, sent)
      t.is(JSON.parse(text).user.openId, login.openId)
    },
  },
  {
    title: 'a client that is gone before the answer: others are served',
    async run(t, app, family) {
      const login = await logIn(app, family, '/me')

      await app.giveUp('/never', given(login))

      isUser(t, await app.send('/me', given(login)), login.openId)
    },
  },
]
