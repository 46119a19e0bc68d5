import test from 'ava'

import { exchange, failure, logIn, result, soon, startServer, startWechat, until } from './support.js'

test('two phones of one user have one openid, and storages of their own', async (t) => {
  const wechat = startWechat(t)
  const [one, two] = [wechat.phone('alice'), wechat.phone('alice')]
  one.wx.setStorageSync('key', 'one')

  const [first, second] = [await exchange(wechat, await logIn(one)), await exchange(wechat, await logIn(two))]

  t.is(first.openid, second.openid)
  t.is(two.wx.getStorageSync('key'), '')
})

test('a phone without a name has a new user', (t) => {
  const wechat = startWechat(t)

  t.not(wechat.phone().user.openId, wechat.phone().user.openId)
})

test('a user has the same openid in every run, and another in another mini program', (t) => {
  const appId = 'wx0123456789abcdef'
  const [one, again, other] = [
    startWechat(t, { appId, unionIds: true }).user('alice'),
    startWechat(t, { appId, unionIds: true }).user('alice'),
    startWechat(t, { unionIds: true }).user('alice'),
  ]

  t.deepEqual(one, again)
  t.not(one.openId, other.openId)
  t.is(one.unionId, other.unionId)
})

test('storage keeps copies, and survives a cold start', (t) => {
  const phone = startWechat(t).phone()
  const value = { list: [1] }
  phone.wx.setStorageSync('key', value)
  value.list.push(2)

  phone.coldStart()

  const stored = phone.wx.getStorageSync('key')
  t.deepEqual(stored, { list: [1] })
  t.not(phone.wx.getStorageSync('key'), stored)
  phone.wx.removeStorageSync('key')
  t.is(phone.wx.getStorageSync('key'), '')
})

test('asynchronous storage is the same storage, with callbacks or promises', async (t) => {
  const { wx } = startWechat(t).phone()

  await wx.setStorage({ key: 'key', data: 1 })
  t.like(await wx.getStorage({ key: 'key' }), { data: 1, errMsg: 'getStorage:ok' })
  t.is(wx.getStorageSync('key'), 1)
  await result((callbacks) => wx.removeStorage({ key: 'key', ...callbacks }))
  t.is(
    (await failure((callbacks) => wx.getStorage({ key: 'key', ...callbacks }))).errMsg,
    'getStorage:fail data not found',
  )
  wx.setStorageSync('key', 2)
  await wx.clearStorage()
  t.is(wx.getStorageSync('key'), '')
})

test('a storage call can be made to throw', (t) => {
  const phone = startWechat(t).phone()
  phone.fail('setStorageSync', { errMsg: 'setStorageSync:fail quota' })

  t.throws(() => phone.wx.setStorageSync('key', 1), { message: 'setStorageSync:fail quota' })
  phone.wx.setStorageSync('key', 1)
  t.is(phone.counts.setStorageSync, 2)
})

test('a cold start ends everything without a word', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  let arrived = 0
  let closed = 0
  const url = await startServer(t, (request) => {
    arrived += 1
    request.socket.on('close', () => {
      closed += 1
    })
  })
  const killed = phone.wx
  const complete = () => t.fail('the app is dead')
  for (let i = 0; i < 12; i += 1) killed.request({ url, complete })
  phone.fail('login', { delay: 60_000 })
  killed.login({ complete })
  await until(() => arrived === 10)

  phone.coldStart()
  killed.request({ url, complete }).abort()
  killed.getUserInfo({ complete })
  killed.setStorageSync('key', 1)
  wechat.clock.advance(60_000)
  await until(() => closed === 10)
  await soon(50)

  t.is(arrived, 10)
  t.not(phone.wx, killed)
  t.is(phone.wx.getStorageSync('key'), '')
  t.truthy(await logIn(phone))
})

test('a cold start brings the app to the foreground', async (t) => {
  const phone = startWechat(t).phone()
  const url = await startServer(t, (_request, response) => response.end('done'))
  phone.enterBackground()

  phone.coldStart()

  t.like(await result((callbacks) => phone.wx.request({ url, ...callbacks })), { data: 'done' })
})

test('the app knows its mini program, and has random bytes', async (t) => {
  const wechat = startWechat(t)
  const { wx } = wechat.phone()
  const developer = wechat.phone('developer', { envVersion: 'develop' })

  t.deepEqual(wx.getAccountInfoSync().miniProgram, {
    appId: wechat.appId,
    envVersion: 'release',
    version: '1.0.0',
  })
  t.like(developer.wx.getAccountInfoSync().miniProgram, { envVersion: 'develop', version: '' })
  t.is((await wx.getRandomValues({ length: 16 }))?.randomValues.byteLength, 16)
  t.regex(
    (await failure((callbacks) => wx.getRandomValues({ length: 0, ...callbacks }))).errMsg,
    /^getRandomValues:fail/,
  )
})

test('wx.onNetworkStatusChange: the app hears that the network goes and comes', (t) => {
  const phone = startWechat(t).phone()
  const heard: unknown[] = []
  const listener = (status: unknown) => heard.push(status)
  phone.wx.onNetworkStatusChange(listener)

  phone.offline = true
  phone.offline = true
  phone.offline = false
  phone.wx.offNetworkStatusChange(listener)
  phone.offline = true

  t.deepEqual(heard, [
    { isConnected: false, networkType: 'none' },
    { isConnected: true, networkType: 'wifi' },
  ])
})

test('a planned failure can be withdrawn', async (t) => {
  const phone = startWechat(t).phone()
  const recover = phone.fail('login', 'hang', Number.POSITIVE_INFINITY)

  recover()

  t.truthy(await logIn(phone))
})
