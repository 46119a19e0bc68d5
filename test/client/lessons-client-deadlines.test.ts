/**
 * Deadlines, and logins that hang or come late, where other clients that were compared went wrong: `§2` is the list of
 * what none of them has. In a file of their own, because they measure time: few enough to wait beside each other.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { createSession, type Session } from '../../client/src/index.js'
import { until } from '../support/until.js'
import { fails, start, succeeds } from './support/client-calls.js'
import {
  codeOf,
  failingStore,
  forever,
  isLogin,
  nothingIsLeftUncaught,
  startOdd,
} from './support/odd-server.js'

nothingIsLeftUncaught(test)

// §2.3: fly: neither a timeout nor an abort ended the request of wx.
test('deadline: a server that never answers: the deadline ends the call and the request, and the next one works', async (t) => {
  let cut = 0
  const { session, phone } = await startOdd(
    t,
    async (ctx, n) => {
      ctx.body = {}
      if (n > 1) return
      ctx.req.socket.once('close', () => {
        cut += 1
      })
      await forever()
    },
    { deadline: 1000 },
  )
  const startedAt = Date.now()

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  const took = Date.now() - startedAt
  t.true(took >= 990 && took < 10_000, `${took} ms`)
  t.deepEqual(
    [error.code, error.phase, error.attempts, error.retryable],
    ['ERR_DEADLINE', 'request', 1, true],
  )
  await until(() => cut === 1)
  await sleep(700)
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.deepEqual([phone.counts.login, phone.counts.request], [2, 2])
})

// §2.3.
test('deadline: it covers the wait for a login, the login, back-off and Retry-After', async (t) => {
  const store = failingStore()
  const { phone, wechat, url } = await start(t, { store })
  let launches = 0
  const launch = (deadline = 1000) =>
    createSession({ baseUrl: url, wx: phone.wx, deadline, storageKey: `launch ${++launches}` })
  const endsInTime = async (session: Session, deadline = 1000) => {
    const startedAt = Date.now()
    const errors = await Promise.all(
      [1, 2].map(() => fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))),
    )
    const took = Date.now() - startedAt
    t.true(took >= deadline - 20 && took < 10_000, `${took} ms`)
    for (const { code } of errors) t.is(code, 'ERR_DEADLINE')
    return errors
  }

  phone.fail('login', { delay: 3000 })
  for (const { phase } of await endsInTime(launch())) t.is(phase, 'login')

  wechat.fail({ delay: 2500 })
  const phases = (await endsInTime(launch())).map(({ phase }) => phase)
  t.deepEqual(phases, ['request', 'login'])

  const withdraw = wechat.fail({ errcode: -1 }, { times: 10 })
  // The third try, after which there is a cool-down, comes after 900 ms at the earliest.
  await endsInTime(launch(800), 800)
  withdraw()

  const session = launch()
  await session.login()
  store.failReads(10)
  await endsInTime(session)
})

// §2.7.
test('loginTimeout: an aborted call whose wx.login hangs keeps nobody waiting for longer than loginTimeout', async (t) => {
  const { session, phone } = await start(t, {}, { loginTimeout: 500 })
  phone.fail('login', 'hang')

  const leader = session.request({ url: '/' })
  const follower = succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  await until(() => phone.counts.login === 1)
  leader.abort()
  const startedAt = Date.now()
  await follower

  t.true(Date.now() - startedAt < 10_000)
  t.is(phone.counts.login, 2)
})

// §2.7.
test('loginTimeout: a login that comes late, after its time, is not used: not sent, not stored', async (t) => {
  const { session, phone, heard } = await start(t, {}, { loginTimeout: 500 })
  phone.fail('login', { delay: 2500 })

  const error = await fails(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  t.is(error.code, 'ERR_LOGIN')
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  await sleep(2100)
  await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))

  t.is(phone.counts.login, 2)
  t.deepEqual(heard.map(isLogin), [true, false])
  t.is(new Set(heard.map(codeOf)).size, 1)
  t.is(phone.counts.setStorageSync, 1)
})

// §2.2.
test('abort(): a leader that is aborted hands its login on: it is used by the next, and once', async (t) => {
  const { session, phone, wechat, heard } = await start(t)
  phone.fail('getUserInfo', { delay: 150 })

  const leader = session.request({ url: '/' })
  const followers = Array.from({ length: 3 }, () =>
    succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks })),
  )
  await until(() => phone.counts.getUserInfo === 1)
  leader.abort()

  await t.throwsAsync(leader, { code: 'ERR_ABORTED' })
  await Promise.all(followers)
  t.deepEqual([phone.counts.login, wechat.exchanges, heard.length], [1, 1, 3])
})

// §2.2.
test('abort(): a leader that is aborted on its way hands on the lead, and its code is not offered again', async (t) => {
  const { session, phone, heard } = await start(t, {
    handler: async (ctx) => {
      if (ctx.path === '/hang') await forever()
      ctx.body = {}
    },
  })

  const leader = session.request({ url: '/hang' })
  const follower = succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
  await until(() => heard.length === 1)
  leader.abort()
  await follower

  t.is(phone.counts.login, 2)
  t.deepEqual(heard.map(isLogin), [true, true])
  t.is(new Set(heard.map(codeOf)).size, 2)
})

// §2.8.
test.serial(
  'X-WX-Code: a code older than four and a half minutes is not sent: another is fetched',
  async (t) => {
    const { session, phone, wechat, heard } = await start(t)
    const { now } = Date
    phone.fail('getUserInfo', { delay: 50 })
    const call = session.request({ url: '/' })
    await until(() => phone.counts.getUserInfo === 1)
    call.abort()
    await sleep(100)

    try {
      Date.now = () => now() + 275_000
      wechat.clock.advance(275_000)
      await succeeds(t, (callbacks) => session.request({ url: '/', ...callbacks }))
    } finally {
      Date.now = now
    }

    t.is(phone.counts.login, 2)
    t.deepEqual(heard.map(isLogin), [true])
  },
)
