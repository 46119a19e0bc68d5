import { createDecipheriv, createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import test from 'ava'

import type { GetUserInfoResult } from '../../simulator/src/index.js'
import { encrypt, signatureOf } from '../../simulator/src/user-info.js'
import { exchange, failure, logIn, result, soon, startWechat } from './support.js'

const vectors = JSON.parse(await readFile(new URL('../vectors.json', import.meta.url), 'utf8'))

function isSignedBy({ rawData, signature }: GetUserInfoResult, sessionKey: unknown): boolean {
  return createHash('sha1').update(`${rawData}${sessionKey}`).digest('hex') === signature
}

function decrypt(encryptedData: string, iv: string, sessionKey: unknown) {
  const key = Buffer.from(String(sessionKey), 'base64')
  const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(iv, 'base64'))
  return JSON.parse(decipher.update(encryptedData, 'base64', 'utf8') + decipher.final('utf8'))
}

test("WeChat's published signature is reproduced", (t) => {
  const { rawData, session_key, signature } = vectors.signature_sha1

  t.is(signatureOf(rawData, session_key), signature)
})

test('a signature covers the UTF-8 of other alphabets and emoji', (t) => {
  const { rawData, session_key, sha1_utf8 } = vectors.own_utf8_signature

  t.is(signatureOf(rawData, session_key), sha1_utf8)
})

test("data encrypted with the key of WeChat's published example is decrypted as the example is", (t) => {
  const { encryptedData, session_key, iv, decrypted } = vectors.aes_128_cbc_userinfo
  const ours = encrypt(decrypted, session_key, Buffer.from(iv, 'base64'))

  t.deepEqual(decrypt(encryptedData, iv, session_key), decrypted)
  t.deepEqual(decrypt(ours.encryptedData, ours.iv, session_key), decrypted)
})

test('user info is signed with the latest session_key at the time of the call', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const { session_key: first } = await exchange(wechat, await logIn(phone))
  const early = await result(phone.wx.getUserInfo)
  const { session_key: second } = await exchange(wechat, await logIn(phone))
  const late = await result(phone.wx.getUserInfo)

  t.true(isSignedBy(early, first))
  t.false(isSignedBy(early, second))
  t.true(isSignedBy(late, second))
})

test('a login on another phone of the user renews the session_key of both', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone('alice')
  await logIn(phone)
  const { session_key } = await exchange(wechat, await logIn(wechat.phone('alice')))

  t.true(isSignedBy(await result(phone.wx.getUserInfo), session_key))
})

test('encrypted data says who the user is, and for which mini program', async (t) => {
  const wechat = startWechat(t, { unionIds: true })
  const phone = wechat.phone({ name: 'alice', nickName: 'Alice 小明😀' })
  phone.userInfo = 'named'
  const { session_key } = await exchange(wechat, await logIn(phone))

  const { encryptedData, iv, userInfo } = await result(phone.wx.getUserInfo)

  const { openId, unionId } = phone.user
  const { watermark, ...data } = decrypt(encryptedData, iv, session_key)
  t.deepEqual(data, { openId, unionId, ...userInfo })
  t.is(watermark.appid, wechat.appId)
  t.is(data.nickName, 'Alice 小明😀')
})

test('everybody is anonymous unless the phone says otherwise', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone({ name: 'alice', nickName: 'Alice' })
  await logIn(phone)

  const anonymous = await result(phone.wx.getUserInfo)
  phone.userInfo = 'named'
  const named = await result(phone.wx.getUserInfo)

  t.like(JSON.parse(anonymous.rawData), { nickName: '微信用户', gender: 0, city: '' })
  t.is(JSON.parse(named.rawData).nickName, 'Alice')
})

test('half an emoji stays half an emoji in rawData', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  phone.userInfo = 'named'
  phone.profile = { nickName: 'a\ud83d "\\ud83d" 😀' }
  await logIn(phone)

  const { rawData, userInfo } = await result(phone.wx.getUserInfo)

  t.true(rawData.includes('a\ud83d '))
  t.deepEqual(JSON.parse(rawData), userInfo)
  t.throws(() => encodeURIComponent(rawData), { instanceOf: URIError })
})

test('the user can deny', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  await logIn(phone)
  phone.userInfo = 'denied'

  t.is((await failure(phone.wx.getUserInfo)).errMsg, 'getUserInfo:fail auth deny')
})

test('signed user info needs a login, unsigned does not', async (t) => {
  const { wx } = startWechat(t).phone()

  const signed = await failure(wx.getUserInfo)
  const unsigned = await result<GetUserInfoResult>((callbacks) =>
    wx.getUserInfo({ withCredentials: false, ...callbacks }),
  )

  t.regex(signed.errMsg, /^getUserInfo:fail /)
  t.is(unsigned.userInfo.nickName, '微信用户')
  t.false('signature' in unsigned)
})

test("a profile's encrypted data names nobody", async (t) => {
  const wechat = startWechat(t, { unionIds: true })
  const phone = wechat.phone()
  const { session_key } = await exchange(wechat, await logIn(phone))

  const profile = await result<GetUserInfoResult>((callbacks) =>
    phone.wx.getUserProfile({ desc: 'to greet you', ...callbacks }),
  )

  const data = decrypt(profile.encryptedData, profile.iv, session_key)
  t.like(data, { openId: undefined, unionId: undefined, nickName: '微信用户' })
  t.regex((await failure((callbacks) => phone.wx.getUserProfile({ desc: '', ...callbacks }))).errMsg, /desc/)
})

test('checkSession asks about the latest code, and returns a promise without callbacks', async (t) => {
  const wechat = startWechat(t, { sessionKeyMaxAge: 60_000 })
  const phone = wechat.phone()

  await t.throwsAsync(async () => phone.wx.checkSession(), { any: true })
  await logIn(phone)
  t.deepEqual(await phone.wx.checkSession(), { errMsg: 'checkSession:ok' })
  wechat.clock.advance(60_000)
  t.is((await failure(phone.wx.checkSession)).errMsg, 'checkSession:fail session time out, need relogin')
})

test('login and getUserInfo call back later, and return nothing', async (t) => {
  const phone = startWechat(t).phone()
  const order: string[] = []

  const returned = phone.wx.login({
    success: () => order.push('success'),
    fail: () => order.push('fail'),
    complete: () => order.push('complete'),
  })
  order.push('returned')
  await soon()

  t.is(returned, undefined)
  t.is(phone.wx.getUserInfo(), undefined)
  t.deepEqual(order, ['returned', 'success', 'complete'])
})

test('a login can fail, hang, be late, or bring no code', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  let late: string | undefined
  phone.fail('login', { errMsg: 'login:fail system error', errno: -1 })
  phone.fail('login', 'withoutCode')
  phone.fail('login', 'hang')
  phone.fail('login', { delay: 60_000 })

  t.deepEqual(await failure(phone.wx.login), { errMsg: 'login:fail system error', errno: -1 })
  t.deepEqual({ ...(await result(phone.wx.login)) } as object, { errMsg: 'login:ok' })
  phone.wx.login({ complete: () => t.fail('it hangs') })
  phone.wx.login({
    success: ({ code }) => {
      late = code
    },
  })
  await soon()
  t.is(late, undefined)
  wechat.clock.advance(60_000)
  await soon()

  t.is((await exchange(wechat, String(late))).openid, phone.user.openId)
  t.is(phone.counts.login, 4)
})
