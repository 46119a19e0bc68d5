import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { createSession, isSessionError, type SessionError } from '../../client/src/index.js'
import type { WxUserInfo } from '../../src/index.js'
import { startServer } from '../support/server.js'
import { namedPhone } from '../support/wechat.js'

interface Answer {
  user: WxUserInfo
}

test('createSession(): a request logs in by itself, and the next ones carry the session', async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = namedPhone(wechat, 'alice')
  const session = createSession({ baseUrl: url, wx: phone.wx, profile: 'userInfo' })

  const first = await session.request<Answer>({ url: '/me' })
  const second = await session.request<Answer>({ url: '/me' })

  t.is(first.data.user.nickName, 'alice')
  t.deepEqual(second.data.user, first.data.user)
  t.is(phone.counts.login, 1)
  t.is(wechat.exchanges, 1)
})

test('createSession(): a cold start with 50 requests: one login, one exchange, 50 requests, no failure', async (t) => {
  const { url, wechat } = await startServer(t, {
    handler: async (ctx) => {
      await sleep(Math.random() * 50)
      ctx.body = { user: ctx.$wxUserInfo }
    },
  })
  const phone = namedPhone(wechat, 'alice')
  const session = createSession({ baseUrl: url, wx: phone.wx })

  const answers = await Promise.all(Array.from({ length: 50 }, () => session.request<Answer>({ url: '/' })))

  t.true(answers.every(({ data }) => data.user.openId === phone.user.openId))
  t.deepEqual([phone.counts.login, wechat.exchanges, phone.counts.request], [1, 1, 50])
})

test('createSession(): 50 requests meet an expired session: one login, at most 100 requests, no failure', async (t) => {
  const {
    url,
    wechat,
    session: server,
  } = await startServer(t, {
    handler: async (ctx) => {
      await sleep(Math.random() * 50)
      ctx.body = { user: ctx.$wxUserInfo }
    },
  })
  const phone = namedPhone(wechat, 'alice')
  const session = createSession({ baseUrl: url, wx: phone.wx })
  await session.request({ url: '/' })
  await server.revoke(phone.user.openId)
  const before = phone.counts.request

  const answers = await Promise.all(Array.from({ length: 50 }, () => session.request<Answer>({ url: '/' })))

  t.true(answers.every(({ data }) => data.user.openId === phone.user.openId))
  t.is(phone.counts.login, 2)
  t.true(phone.counts.request - before <= 100)
})

test('createSession(): callbacks, a promise and a task come from one call', async (t) => {
  const { url, wechat } = await startServer(t)
  const session = createSession({ baseUrl: url, wx: wechat.phone().wx })
  const heard: string[] = []

  const call = session.request({
    url: '/',
    success: ({ statusCode }) => heard.push(`success ${statusCode}`),
    fail: () => heard.push('fail'),
    complete: () => heard.push('complete'),
  })
  t.is(typeof call.abort, 'function')
  t.deepEqual(heard, [])
  await call

  t.deepEqual(heard, ['success 200', 'complete'])
})

test('abort(): an aborted call fails once, and the next takes over its login', async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = wechat.phone()
  phone.fail('login', { delay: 100 })
  const session = createSession({ baseUrl: url, wx: phone.wx })

  const leader = session.request({ url: '/' })
  const follower = session.request({ url: '/' })
  leader.abort()

  const error = (await t.throwsAsync(leader)) as SessionError
  t.true(isSessionError(error))
  t.is(error.code, 'ERR_ABORTED')
  t.is((await follower).statusCode, 200)
  t.deepEqual([phone.counts.login, phone.counts.request], [1, 1])
})

test('getUserInfo: refused, hung and anonymous user info never blocks a session', async (t) => {
  for (const how of ['denied', 'anonymous', 'hung'] as const) {
    const { url, wechat } = await startServer(t)
    const phone = wechat.phone()
    if (how === 'hung') phone.fail('getUserInfo', 'hang')
    else phone.userInfo = how
    const session = createSession({ baseUrl: url, wx: phone.wx, loginTimeout: 200 })

    const { data } = await session.request<Answer>({ url: '/' })

    t.is(data.user.openId, phone.user.openId)
  }
})

test('logout(): the session is kept between launches, and logging out ends it', async (t) => {
  const { url, wechat } = await startServer(t)
  const phone = wechat.phone()
  await createSession({ baseUrl: url, wx: phone.wx }).request({ url: '/' })
  phone.coldStart()
  const session = createSession({ baseUrl: url, wx: phone.wx })
  await session.request({ url: '/' })
  t.is(phone.counts.login, 1)

  await session.logout()
  phone.coldStart()
  await createSession({ baseUrl: url, wx: phone.wx }).request({ url: '/' })

  t.is(phone.counts.login, 2)
})

test('origins: the session goes only to its origins', async (t) => {
  const { url, wechat } = await startServer(t)
  const other = await startServer(t, {
    handler: (ctx) => {
      ctx.body = Object.keys(ctx.headers).filter((name) => /^(weapp|x-wx)-/.test(name))
    },
  })
  const phone = wechat.phone()
  const session = createSession({ baseUrl: url, wx: phone.wx })

  const { data } = await session.request({ url: `${other.url}/` })

  t.deepEqual(data, [])
  t.is(phone.counts.login, 0)
})

test('ERR_SESSION_EXPIRED: a server that ends every session is given two logins, then an error at once', async (t) => {
  const { url, wechat } = await startServer(t, { handler: (ctx) => ctx.$wxSession?.destroy() })
  const phone = wechat.phone()
  const session = createSession({ baseUrl: url, wx: phone.wx })
  await session.request({ url: '/' })
  await session.request({ url: '/' })

  const error = (await t.throwsAsync(session.request({ url: '/' }))) as SessionError

  t.is(error.reason, 'ERR_SESSION_EXPIRED')
  t.is(phone.counts.login, 2)
})
