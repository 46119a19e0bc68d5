/** What a server asks WeChat of a user, around a login. */
import { createDecipheriv, createHash } from 'node:crypto'
import test from 'ava'
import { callsOf } from './calls.js'
import { exchange, logIn, minutes, result, startWechat } from './support.js'

test('/wxa/business/getuserphonenumber: e.detail has the code, and the number encrypted as before', async (t) => {
  const wechat = startWechat(t)
  const { post, token } = await callsOf(wechat)
  const phone = wechat.phone({ name: 'alice', phoneNumber: '13800138000' })
  const first = phone.tapPhoneNumber()
  const { session_key } = await exchange(wechat, await logIn(phone))

  const { errMsg, code, encryptedData = '', iv = '' } = phone.tapPhoneNumber()
  const answer = await post(
    '/wxa/business/getuserphonenumber',
    { access_token: await token() },
    { code: code ?? '' },
  )

  t.is(first.encryptedData, undefined)
  t.is(errMsg, 'getPhoneNumber:ok')
  const info = { phoneNumber: '13800138000', countryCode: '86', watermark: { appid: wechat.appId } }
  t.like(answer.phone_info, info)
  t.like(decrypt(encryptedData, String(session_key), iv), info)
})

test('tapPhoneNumber(): the user refuses, or no number is left', (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  phone.phoneNumbersLeft = 1

  t.deepEqual(phone.tapPhoneNumber({ denies: true }), { errMsg: 'getPhoneNumber:fail user deny' })
  t.is(phone.tapPhoneNumber({ realtime: true }).errMsg, 'getRealtimePhoneNumber:ok')
  t.like(phone.tapPhoneNumber({ realtime: true }), { errno: 1400001, code: undefined })
})

test('/wxa/business/checkencryptedmsg: WeChat’s own message is known for three days', async (t) => {
  const wechat = startWechat(t)
  const { post, token } = await callsOf(wechat)
  const phone = wechat.phone()
  await logIn(phone)
  const { encryptedData = '' } = phone.tapPhoneNumber()
  const hash = createHash('sha256').update(encryptedData).digest('hex')
  const check = async (body: object | string) => {
    return post('/wxa/business/checkencryptedmsg', { access_token: await token() }, body)
  }

  t.like(await check({ encrypted_msg_hash: hash }), { errcode: 0, errmsg: 'ok', vaild: true })
  t.like(await check({ encrypted_msg_hash: hash.replace(/^./, (one) => (one === '0' ? '1' : '0')) }), {
    errcode: 1,
  })
  t.is((await check({})).errcode, 40097)
  t.is((await check('')).errcode, 44002)
  t.is((await check('encrypted_msg_hash=1')).errcode, 47001)
  wechat.clock.advance(3 * 24 * 60 * 60_000)
  t.is((await check({ encrypted_msg_hash: hash })).errcode, 1)
})

test('/wxa/business/getuserencryptkey: the phone and the server have the same key, for an hour', async (t) => {
  const wechat = startWechat(t)
  const { get, post, signed } = await callsOf(wechat)
  const phone = wechat.phone('alice')
  const { openid, session_key } = await exchange(wechat, await logIn(phone))
  const key = () => result(phone.wx.getUserCryptoManager().getLatestUserKey)
  const path = '/wxa/business/getuserencryptkey'
  const query = await signed(String(openid), session_key)
  const { access_token = '', ...rest } = query

  t.deepEqual((await get(path, query)).key_info_list, [])
  const first = await key()
  t.deepEqual(await key(), first)
  wechat.clock.advance(minutes(60))
  const second = await key()
  const list = await post(path, await signed(String(openid), session_key), '')

  t.is(second.version, first.version + 1)
  t.like(list, {
    errcode: 0,
    key_info_list: [
      { encrypt_key: second.encryptKey, iv: second.iv, version: 2 },
      { encrypt_key: first.encryptKey, version: 1, expire_in: 0 },
    ],
  })
  t.regex(second.iv, /^[0-9a-f]{16}$/)
  t.true(wechat.secrets().includes(second.encryptKey))

  // What was reported of real calls: parameters in a body are not found, and a body breaks the signature.
  t.is((await post(path, { access_token }, rest)).errcode, 40003)
  t.like(await post(path, query, '{}'), { errcode: 87009, key_info_list: [] })
  t.like(await get(path, { ...query, signature: 'x' }), { errcode: 87009, key_info_list: [] })
  t.is((await get(path, { ...query, sig_method: 'md5' })).errcode, 87008)
})

test('/wxa/business/getuserencryptkey: three keys are kept', async (t) => {
  const wechat = startWechat(t, { sessionKeyMaxAge: minutes(10_000) })
  const { get, signed } = await callsOf(wechat)
  const phone = wechat.phone()
  const { openid, session_key } = await exchange(wechat, await logIn(phone))
  for (let hour = 0; hour < 4; hour += 1) {
    await result(phone.wx.getUserCryptoManager().getLatestUserKey)
    wechat.clock.advance(minutes(60))
  }

  const { key_info_list } = await get(
    '/wxa/business/getuserencryptkey',
    await signed(String(openid), session_key),
  )

  t.like(key_info_list, [{ version: 4 }, { version: 3 }, { version: 2 }])
  t.is((key_info_list as unknown[]).length, 3)
})

test('/wxa/getpluginopenpid: a code of wx.pluginLogin() gives the user’s openpid once', async (t) => {
  const wechat = startWechat(t)
  const { post, token } = await callsOf(wechat)
  const phone = wechat.phone('alice')
  const access_token = await token()
  const openPid = async (code: string) => post('/wxa/getpluginopenpid', { access_token }, { code })
  const codes = [await result(phone.wx.pluginLogin), await result(wechat.phone('alice').wx.pluginLogin)]

  const [one, other] = [await openPid(codes[0]?.code ?? ''), await openPid(codes[1]?.code ?? '')]

  t.regex(String(one.openpid), /^G[\w-]{27}$/)
  t.is(other.openpid, one.openpid)
  t.not(one.openpid, phone.user.openId)
  t.is((await openPid(codes[0]?.code ?? '')).errcode, 1007)
  t.is((await openPid(await logIn(phone))).errcode, 1007)
  t.is((await openPid('')).errcode, 1001)
})

test('/wxa/getpaidunionid: for five minutes after a payment', async (t) => {
  const wechat = startWechat(t, { unionIds: true })
  const { get, token } = await callsOf(wechat)
  const phone = wechat.phone('alice')
  const { openId: openid, unionId = '' } = phone.user
  const ask = async (more = {}) =>
    get('/wxa/getpaidunionid', { access_token: await token(), openid, ...more })

  t.is((await ask()).errcode, 89300)
  const transaction_id = phone.pay()
  t.deepEqual(await ask({ transaction_id }), { errcode: 0, errmsg: 'ok', unionid: unionId })
  t.is((await ask({ transaction_id: '1' })).errcode, 89300)
  t.is((await ask({ openid: 'oNobody' })).errcode, 40003)
  wechat.clock.advance(minutes(5))
  t.is((await ask({ transaction_id })).errcode, 89300)
})

test('/wxa/getpaidunionid: without an Open Platform account there is none', async (t) => {
  const wechat = startWechat(t)
  const { get, token } = await callsOf(wechat)
  const phone = wechat.phone()
  phone.pay()

  const answer = await get('/wxa/getpaidunionid', { access_token: await token(), openid: phone.user.openId })

  t.is(answer.errcode, 89002)
})

test('/wxa/getuserriskrank: who has been there lately has a rank', async (t) => {
  const wechat = startWechat(t)
  const { post, token } = await callsOf(wechat)
  const openid = wechat.phone({ name: 'mallory', risk: 3 }).user.openId
  const ask = async (body: object | string) =>
    post('/wxa/getuserriskrank', { access_token: await token() }, body)
  const right = { appid: wechat.appId, openid, scene: 0, client_ip: '203.0.113.1' }

  t.like(await ask(right), { errcode: 0, errmsg: 'getuserriskrank succ', risk_rank: 3 })
  t.is((await ask({ ...right, appid: 'wx0' })).errcode, 43104)
  t.is((await ask({ ...right, openid: 'nobody' })).errcode, 40003)
  t.is((await ask({ ...right, openid: `o${'x'.repeat(27)}` })).errcode, 43104)
  t.is((await ask({ ...right, scene: 9 })).errcode, 40129)
  t.is((await ask('')).errcode, 44002)
  wechat.clock.advance(minutes(121))
  t.is((await ask(right)).errcode, 61010)
})

test('/wxa/msg_sec_check: a text with a bad word is risky, the user has to have been there', async (t) => {
  const wechat = startWechat(t, { badWords: ['casino'] })
  const { post, token } = await callsOf(wechat)
  const openid = wechat.phone('alice').user.openId
  const access_token = await token()
  const ask = async (body: object) =>
    post('/wxa/msg_sec_check', { access_token }, { version: 2, openid, scene: 2, ...body })

  t.like(await ask({ content: 'hello' }), { errcode: 0, result: { suggest: 'pass', label: 100 } })
  const risky = await ask({ content: 'hello', nickname: 'casino king' })
  t.like(risky, { errcode: 0, result: { suggest: 'risky', label: 21000 } })
  t.like(risky.detail, [{ strategy: 'content_model' }, { strategy: 'keyword', keyword: 'casino' }])
  t.is((await ask({ content: '' })).errcode, 40097)
  t.is((await ask({ content: 'x'.repeat(2501) })).errcode, 40097)
  t.is((await ask({ content: 'x', scene: 5 })).errcode, 40129)
  t.is((await ask({ content: 'x', openid: `o${'x'.repeat(27)}` })).errcode, 43104)
  wechat.clock.advance(minutes(119))
  t.is((await ask({ content: 'x' })).errcode, 0)
})

/** As servers did before the button gave codes. */
function decrypt(encryptedData: string, sessionKey: string, iv: string): object {
  const [key, vector] = [sessionKey, iv].map((text) => Buffer.from(text, 'base64'))
  if (key === undefined || vector === undefined) throw new TypeError('nothing to decrypt with')
  const decipher = createDecipheriv('aes-128-cbc', key, vector)
  return JSON.parse(decipher.update(encryptedData, 'base64', 'utf8') + decipher.final('utf8'))
}
