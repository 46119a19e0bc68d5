import { createHmac } from 'node:crypto'
import test from 'ava'

import type { Wechat } from '../../simulator/src/index.js'
import { exchange, logIn, minutes, startWechat } from './support.js'

const host = 'https://api.weixin.qq.com'

async function get(wechat: Wechat, path: string, query: Record<string, string>) {
  const response = await wechat.fetch(`${host}${path}?${new URLSearchParams(query)}`)
  return JSON.parse(await response.text())
}

async function post(wechat: Wechat, path: string, body: object) {
  const response = await wechat.fetch(host + path, { method: 'POST', body: JSON.stringify(body) })
  return JSON.parse(await response.text())
}

async function accessToken(wechat: Wechat): Promise<string> {
  const { appId: appid, appSecret: secret } = wechat
  const { access_token } = await get(wechat, '/cgi-bin/token', {
    grant_type: 'client_credential',
    appid,
    secret,
  })
  return access_token
}

/** The query that asks about a session_key. */
async function signed(wechat: Wechat, openid: string, sessionKey: string) {
  return {
    access_token: await accessToken(wechat),
    openid,
    signature: createHmac('sha256', sessionKey).update('').digest('hex'),
    sig_method: 'hmac_sha256',
  }
}

test('/wxa/checksession: it knows the latest session_key only', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone('alice')
  const old = await exchange(wechat, await logIn(phone))
  const latest = await exchange(wechat, await logIn(phone))
  const openid = wechat.user('alice').openId
  const check = async (key: unknown, wrong = {}) =>
    get(wechat, '/wxa/checksession', { ...(await signed(wechat, openid, String(key))), ...wrong })

  t.deepEqual(await check(latest.session_key), { errcode: 0, errmsg: 'ok' })
  t.is((await check(old.session_key)).errcode, 87009)
  t.is((await check(latest.session_key, { sig_method: 'md5' })).errcode, 87008)
  t.is((await check(latest.session_key, { openid: 'oNobody' })).errcode, 40003)
  t.is((await check(latest.session_key, { access_token: 'wrong' })).errcode, 40001)
  t.is((await check(latest.session_key, { access_token: '' })).errcode, 41001)
})

test('a session_key expires', async (t) => {
  const wechat = startWechat(t, { sessionKeyMaxAge: minutes(10) })
  const { session_key } = await exchange(wechat, await logIn(wechat.phone('alice')))
  wechat.clock.advance(minutes(10))

  const query = await signed(wechat, wechat.user('alice').openId, String(session_key))

  t.is((await get(wechat, '/wxa/checksession', query)).errcode, 87009)
})

test('/wxa/resetusersessionkey: the new key takes the old one’s place, and expires when the old one would have', async (t) => {
  const wechat = startWechat(t, { sessionKeyMaxAge: minutes(10) })
  const openid = wechat.user('alice').openId
  const { session_key } = await exchange(wechat, await logIn(wechat.phone('alice')))
  wechat.clock.advance(minutes(9))

  const query = await signed(wechat, openid, String(session_key))
  const reset = await get(wechat, '/wxa/resetusersessionkey', query)
  const now = await signed(wechat, openid, reset.session_key)

  t.like(reset, { errcode: 0, openid })
  t.not(reset.session_key, session_key)
  t.is((await get(wechat, '/wxa/checksession', query)).errcode, 87009)
  t.is((await get(wechat, '/wxa/checksession', now)).errcode, 0)
  wechat.clock.advance(minutes(1))
  t.is((await get(wechat, '/wxa/checksession', now)).errcode, 87009)
})

test('a session_key stays for its minimum age, whatever logs in', async (t) => {
  const wechat = startWechat(t, { sessionKeyMinAge: minutes(1) })
  const phone = wechat.phone('alice')
  const key = async () => (await exchange(wechat, await logIn(phone))).session_key

  const first = await key()
  const second = await key()
  wechat.clock.advance(minutes(1))
  const third = await key()

  t.is(first, second)
  t.not(second, third)
})

test('a pre-fetch obtains a code and renews the session_key', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone('alice')
  const before = await exchange(wechat, await logIn(phone))

  const prefetch = phone.prefetch()
  const after = await exchange(wechat, prefetch.code)

  t.is(prefetch.appid, wechat.appId)
  t.is(after.openid, before.openid)
  t.not(after.session_key, before.session_key)
})

test('/cgi-bin/token: a new access_token leaves the former one five minutes', async (t) => {
  const wechat = startWechat(t)
  const former = await accessToken(wechat)
  const latest = await accessToken(wechat)
  const errcode = async (access_token: string) =>
    (await get(wechat, '/wxa/checksession', { access_token })).errcode

  // 40003: the token was good, and the rest of the call was looked at.
  t.is(await errcode(former), 40003)
  wechat.clock.advance(minutes(5))
  t.is(await errcode(former), 40001)
  t.is(await errcode(latest), 40003)
  wechat.clock.advance(minutes(115))
  t.is(await errcode(latest), 42001)
})

test('/cgi-bin/stable_token: it stays the same until it is nearly over, or forced', async (t) => {
  const wechat = startWechat(t)
  const { appId: appid, appSecret: secret } = wechat
  const stable = (force_refresh?: boolean) =>
    post(wechat, '/cgi-bin/stable_token', { grant_type: 'client_credential', appid, secret, force_refresh })

  const first = await stable()
  const same = await stable()
  wechat.clock.advance(minutes(115))
  const renewed = await stable()
  const forced = await stable(true)

  t.is(first.expires_in, 7200)
  t.is(same.access_token, first.access_token)
  t.not(renewed.access_token, first.access_token)
  t.not(forced.access_token, renewed.access_token)
  t.is((await get(wechat, '/wxa/checksession', { access_token: renewed.access_token })).errcode, 40001)
})

test('token calls are refused for the same reasons as exchanges', async (t) => {
  const wechat = startWechat(t)
  const { appId: appid } = wechat

  t.is((await post(wechat, '/cgi-bin/stable_token', { appid, secret: 'x' })).errcode, 40002)
  t.is(
    (await get(wechat, '/cgi-bin/token', { appid, secret: 'x', grant_type: 'client_credential' })).errcode,
    40125,
  )
})

test("/wxa/business/getuserphonenumber: the button's code gives the number once, within five minutes", async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone({ name: 'alice', phoneNumber: '13800138000' })
  const path = `/wxa/business/getuserphonenumber?access_token=${await accessToken(wechat)}`
  const code = phone.requestUserPhoneCode()
  const late = phone.requestUserPhoneCode()

  const first = await post(wechat, path, { code, openid: phone.user.openId })
  const again = await post(wechat, path, { code })
  wechat.clock.advance(minutes(5))
  const tooLate = await post(wechat, path, { code: late })

  t.like(first.phone_info, { purePhoneNumber: '13800138000', watermark: { appid: wechat.appId } })
  t.is(again.errcode, 40029)
  t.is(tooLate.errcode, 40029)
})

test('a phone number needs its own kind of code, and its own user', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const path = `/wxa/business/getuserphonenumber?access_token=${await accessToken(wechat)}`

  t.is((await post(wechat, path, { code: await logIn(phone) })).errcode, 40029)
  t.is((await post(wechat, path, { code: phone.requestUserPhoneCode(), openid: 'oOther' })).errcode, 40029)
})

test('every secret that was issued can be searched for', async (t) => {
  const wechat = startWechat(t)
  const code = await logIn(wechat.phone())
  const { session_key } = await exchange(wechat, code)
  const token = await accessToken(wechat)

  const secrets = wechat.secrets()

  for (const secret of [wechat.appSecret, code, String(session_key), token]) t.true(secrets.includes(secret))
})
