// session.test.mjs
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStore } from 'koa-weapp-session'
import { start } from './start.mjs'

// One server is enough for a file: each test has a user of its own.
const server = await start()
after(() => server.stop())

test('a user logs in, once', async () => {
  const alice = server.phone('alice')
  const exchanges = server.wechat.exchanges

  const [{ data }] = await Promise.all([alice.request({ url: '/' }), alice.request({ url: '/' })])

  assert.equal(data.openId, alice.openId)
  assert.equal(server.wechat.exchanges, exchanges + 1)
})

test('nobody sees the data of another', async () => {
  const [bob, carol] = [server.phone('bob'), server.phone('carol')]
  await bob.request({ url: '/', method: 'POST' })

  assert.equal((await bob.request({ url: '/' })).data.visits, 1)
  assert.equal((await carol.request({ url: '/' })).data.visits, 0)
})

test('a stranger is refused', async () => {
  const response = await fetch(server.url)

  assert.equal(response.status, 401)
  assert.equal(response.headers.get('Weapp-Session-Error'), 'ERR_LOGIN_REQUIRED')
})

test('a session that was ended: the client logs in again', async () => {
  const dave = server.phone('dave')
  await dave.request({ url: '/', method: 'POST' })

  await server.session.revoke(dave.openId)

  assert.deepEqual((await dave.request({ url: '/' })).data, { openId: dave.openId, visits: 0 })
})

test('a session that expires', async () => {
  const short = await start({ ttl: 1 })
  const erin = short.phone('erin')
  await erin.request({ url: '/', method: 'POST' })

  await sleep(1100)

  assert.equal((await erin.request({ url: '/' })).data.visits, 0)
  await short.stop()
})

test('WeChat is away: who is logged in stays, and nobody else comes in', async () => {
  const [frank, grace] = [server.phone('frank'), server.phone('grace')]
  await frank.request({ url: '/' })

  const recover = server.wechat.fail('reset', { times: Infinity })

  assert.equal((await frank.request({ url: '/' })).statusCode, 200)
  await assert.rejects(grace.request({ url: '/' }), {
    reason: 'ERR_SESSION_KEY_EXCHANGE_FAILED',
    status: 502,
  })
  recover()
  // A phone of its own: the client of grace waits for two seconds after three failures.
  assert.equal((await server.phone('judy').request({ url: '/' })).statusCode, 200)
})

test('the store is away: nobody is logged out', async () => {
  const store = memoryStore()
  let isAway = false
  const fails = async () => {
    throw new Error('The store is away')
  }
  const other = await start({ store: new Proxy(store, { get: (_, name) => (isAway ? fails : store[name]) }) })
  const heidi = other.phone('heidi')
  await heidi.request({ url: '/', method: 'POST' })

  isAway = true
  // A GET would be repeated, after the seconds of Retry-After.
  const post = heidi.request({ url: '/', method: 'POST' })
  await assert.rejects(post, { reason: 'ERR_STORE_UNAVAILABLE', status: 503 })
  isAway = false

  assert.equal((await heidi.request({ url: '/' })).data.visits, 1)
  await other.stop()
})

test('without the client: a login is two headers', async () => {
  const { wx } = server.wechat.phone('ivan')
  const { code } = await new Promise((success, fail) => wx.login({ success, fail }))

  const login = await fetch(server.url, { headers: { 'Weapp-Code': code, 'Weapp-Login': 'code' } })
  const later = await fetch(server.url, { headers: { 'Weapp-Session': login.headers.get('Weapp-Session') } })

  assert.equal(login.headers.get('Weapp-Login'), 'accepted')
  assert.deepEqual(await later.json(), await login.json())
})
