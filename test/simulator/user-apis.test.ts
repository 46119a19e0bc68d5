/** What of `wx` is about the user, beside logins and profiles; and about the phone. */
import { createDecipheriv } from 'node:crypto'
import test from 'ava'
import type { BackgroundFetchData, RequestResult } from '../../simulator/src/index.js'
import { exchange, failure, logIn, result, startServer, startWechat } from './support.js'

test('wx.authorize(): each scope is asked once, and wx.getSetting() remembers', async (t) => {
  const { wx, permissions } = startWechat(t).phone()
  permissions['scope.record'] = false
  const setting = async () => (await result(wx.getSetting)).authSetting

  t.deepEqual(await setting(), {})
  await wx.authorize({ scope: 'scope.werun' })
  const refused = await failure((callbacks) => wx.authorize({ scope: 'scope.record', ...callbacks }))
  permissions['scope.record'] = true

  t.is(refused.errMsg, 'authorize:fail auth deny')
  await t.throwsAsync(Promise.resolve(wx.authorize({ scope: 'scope.record' })), { any: true })
  t.deepEqual(await setting(), { 'scope.werun': true, 'scope.record': false })
})

test('wx.getWeRunData(): 31 days of steps, encrypted with the session_key', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const { session_key } = await exchange(wechat, await logIn(phone))

  const { encryptedData, iv } = await result(phone.wx.getWeRunData)

  const [key = '', vector = ''] = [String(session_key), iv]
  const decipher = createDecipheriv('aes-128-cbc', Buffer.from(key, 'base64'), Buffer.from(vector, 'base64'))
  const text = decipher.update(encryptedData, 'base64', 'utf8') + decipher.final('utf8')
  const { stepInfoList, watermark } = JSON.parse(text)
  t.is(stepInfoList.length, 31)
  t.is(watermark.appid, wechat.appId)
})

test('phone.privacy: who has not agreed is asked, by WeChat or by the app', async (t) => {
  const wechat = startWechat(t)
  const [one, two, three] = [wechat.phone(), wechat.phone(), wechat.phone()]
  for (const phone of [one, two, three]) phone.privacy = 'agrees'
  two.privacy = 'disagrees'

  t.true((await result(one.wx.getPrivacySetting)).needAuthorization)
  t.is((await failure(one.wx.getWeRunData)).errno, 104)
  await one.wx.requirePrivacyAuthorize()
  t.false((await result(one.wx.getPrivacySetting)).needAuthorization)

  t.is((await failure(two.wx.requirePrivacyAuthorize)).errno, 104)
  t.is(two.privacy, 'disagrees')

  // The app's own dialogue: what counts is what it says, when it says so.
  const asked: string[] = []
  three.wx.onNeedPrivacyAuthorization((resolve, { referrer }) => {
    asked.push(referrer)
    resolve({ event: 'exposureAuthorization' })
    setTimeout(() => resolve({ event: 'agree', buttonId: 'agree' }), 1)
  })
  await three.wx.requirePrivacyAuthorize()
  t.deepEqual(asked, ['requirePrivacyAuthorize'])
  t.is(three.privacy, 'agreed')
})

test('wx.getUserCryptoManager(): getLatestUserKey() can go wrong as other calls do', async (t) => {
  const phone = startWechat(t).phone()
  const { getLatestUserKey, getRandomValues } = phone.wx.getUserCryptoManager()
  phone.fail('getLatestUserKey', { errMsg: 'getLatestUserKey:fail system error' })

  t.is((await failure(getLatestUserKey)).errMsg, 'getLatestUserKey:fail system error')
  const { version } = await result(getLatestUserKey)
  const { randomValues } = await result<{ randomValues: ArrayBuffer }>((callbacks) => {
    getRandomValues({ length: 6, ...callbacks })
  })

  t.is(version, 1)
  t.is(randomValues.byteLength, 6)
  t.is(phone.counts.getLatestUserKey, 2)
})

test('phone.chooseAvatar(): a temporary file, which the app can upload', async (t) => {
  const url = await startServer(t, (request, response) => request.pipe(response))
  const owner = startWechat(t).phone()
  const { avatarUrl } = owner.chooseAvatar(Buffer.from('picture'))

  const { data } = await result<{ data: string }>((callbacks) => {
    owner.wx.uploadFile({ url, filePath: avatarUrl, name: 'avatar', ...callbacks })
  })

  t.regex(avatarUrl, /^http:\/\/tmp\/\w+\.jpg$/)
  t.true(data.includes('picture'))
})

test('wx.getDeviceInfo(): the system of the phone, and the base library', (t) => {
  const wechat = startWechat(t)
  const { wx } = wechat.phone()
  const iphone = wechat.phone('bob', { system: 'ios', baseLibrary: '2.16.0' }).wx

  t.is(wx.getDeviceInfo().platform, 'android')
  t.is(iphone.getDeviceInfo().platform, 'ios')
  t.is(iphone.getAppBaseInfo().SDKVersion, '2.16.0')
  t.like(iphone.getSystemInfoSync(), { platform: 'ios', SDKVersion: '2.16.0', windowWidth: 390 })
  t.is(iphone.getWindowInfo().screenWidth, 390)
  t.like(iphone.getLaunchOptionsSync(), { path: 'pages/index/index', scene: 1001, query: {} })
  t.deepEqual(iphone.getEnterOptionsSync(), iphone.getLaunchOptionsSync())
})

test('system: texts of a network that fails are those of the system; the errno is the same', async (t) => {
  const wechat = startWechat(t)
  const url = 'http://127.0.0.1:9/'
  const reasonOf = async (system: 'android' | 'ios') => {
    const { wx } = wechat.phone('alice', { system })
    return failure((callbacks) => wx.request({ url, ...callbacks }))
  }

  const [android, ios] = [await reasonOf('android'), await reasonOf('ios')]

  t.regex(android.errMsg, /^request:fail errcode:-102 cronet_error_code:-102 /)
  t.is(ios.errMsg, 'request:fail 未能连接到服务器。')
  t.deepEqual([android.errno, ios.errno], [600001, 600001])
})

test('headerNames: in lower case, as with HTTP/2', async (t) => {
  const url = await startServer(t, (_, response) => {
    response.writeHead(200, { 'Weapp-Session': 's', 'Set-Cookie': ['a=1', 'b=2'] }).end()
  })
  const wechat = startWechat(t)
  const namesOn = async (headerNames: 'asSent' | 'lowerCase') => {
    const { wx } = wechat.phone('alice', { headerNames })
    const { header, cookies } = await result<RequestResult>((callbacks) => wx.request({ url, ...callbacks }))
    t.deepEqual(cookies, ['a=1', 'b=2'])
    return Object.keys(header)
  }

  t.true((await namesOn('asSent')).includes('Weapp-Session'))
  const names = await namesOn('lowerCase')
  t.true(names.includes('weapp-session') && names.includes('set-cookie'))
  t.deepEqual(
    names,
    names.map((name) => name.toLowerCase()),
  )
})

test('members: what the app adds to wx is there after a cold start', (t) => {
  const members = { isMine: true, getAccountInfoSync: () => ({ mine: true }) }
  const phone = startWechat(t).phone('alice', { members })

  for (let starts = 0; starts < 2; starts += 1) {
    t.like(phone.wx, { isMine: true })
    t.deepEqual(phone.wx.getAccountInfoSync() as unknown, { mine: true })
    phone.coldStart()
  }
})

test('phone.prefetchFrom(): WeChat fetches ahead with a code, or with the token that the app has set', async (t) => {
  const asked: Record<string, string>[] = []
  const url = await startServer(t, (request, response) => {
    asked.push(Object.fromEntries(new URL(request.url ?? '', 'http://localhost').searchParams))
    response.end(`data ${asked.length}`)
  })
  const wechat = startWechat(t)
  const phone = wechat.phone('alice')
  const told: string[] = []
  phone.wx.onBackgroundFetchData(({ fetchedData, fetchType }) => told.push(`${fetchType} ${fetchedData}`))
  const data = () =>
    result<BackgroundFetchData>((callbacks) => phone.wx.getBackgroundFetchData({ ...callbacks }))

  t.regex((await failure(phone.wx.getBackgroundFetchToken)).errMsg, /^getBackgroundFetchToken:fail /)
  await phone.prefetchFrom(`${url}/prefetch?a=1`)
  t.is((await exchange(wechat, asked[0]?.code ?? '')).openid, phone.user.openId)
  t.like(await data(), { fetchedData: 'data 1', path: 'pages/index/index', scene: 1001 })
  t.deepEqual(told, ['pre data 1'])

  await phone.wx.setBackgroundFetchToken({ token: 'secret' })
  phone.coldStart()
  t.is((await result<{ token: string }>(phone.wx.getBackgroundFetchToken)).token, 'secret')
  await phone.prefetchFrom(`${url}/prefetch`)
  t.like(asked[1], {
    appid: wechat.appId,
    token: 'secret',
    code: undefined,
    customMiniprogramVersion: '1.0.0',
  })
  t.is((await data()).fetchedData, 'data 2')
  const tooLong = await failure((callbacks) => {
    phone.wx.setBackgroundFetchToken({ token: 'x'.repeat(1025), ...callbacks })
  })
  t.regex(tooLong.errMsg, /^setBackgroundFetchToken:fail /)
})

test('phone.prefetchFrom(): what is no success, or longer than 256 KB, is dropped', async (t) => {
  const url = await startServer(t, (request, response) => {
    if (request.url?.startsWith('/error')) response.writeHead(500).end('no')
    else response.end('x'.repeat(256 * 1024 + 1))
  })
  const phone = startWechat(t).phone()

  await phone.prefetchFrom(`${url}/error`)
  await phone.prefetchFrom(`${url}/long`)

  t.regex(
    (await failure((callbacks) => phone.wx.getBackgroundFetchData({ ...callbacks }))).errMsg,
    /fail record is null/,
  )
  await t.throwsAsync(phone.prefetchFrom('http://127.0.0.1:9/'), { instanceOf: TypeError })
})
